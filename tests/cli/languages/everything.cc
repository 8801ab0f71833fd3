// What C++ programs do all day, each line of output one thing.
#include <filesystem>
#include <future>
#include <iostream>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

int main() {
  std::vector<std::thread> threads;
  for (int i = 0; i < 20; ++i) threads.emplace_back([] {});
  for (std::thread& one : threads) one.join();
  std::cout << std::async(std::launch::async, [] { return "threads"; }).get() << std::endl;
  std::random_device{}();
  try {
    throw std::runtime_error("caught");
  } catch (const std::exception& thrown) {
    std::cout << thrown.what() << std::endl;
  }
  std::cout << std::filesystem::exists("/tmp") << std::endl;
}
