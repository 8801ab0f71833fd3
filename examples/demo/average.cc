// Reads numbers, prints how many there were and their average.
#include <iomanip>
#include <iostream>

int main() {
  double sum = 0;
  int count = 0;
  for (double number; std::cin >> number; ++count) sum += number;
  std::cout << count << " numbers, average " << std::fixed << std::setprecision(2) << sum / count << '\n';
}
