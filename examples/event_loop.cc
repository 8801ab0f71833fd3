// Two boxes in one event loop: each is a descriptor that poll(2) reports when the box has come to its end.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "pivotbox/pivotbox.h"

namespace {

int fail(const pivotbox::Error& error) {
  std::fprintf(stderr, "%s\n", error.message().c_str());
  return 1;
}

}  // namespace

int main() {
  const auto mounts = pivotbox::host_root();
  if (!mounts) return fail(mounts.error());
  std::array<int, 2> pipe_ends{};
  if (pipe2(pipe_ends.data(), O_CLOEXEC) != 0) return std::perror("pipe2"), 1;
  const auto read_end = pivotbox::Fd::adopt(pipe_ends[0]);
  auto write_end = pivotbox::Fd::adopt(pipe_ends[1]);

  // The reader goes on until nobody can write to the pipe any more; the greeter ends by itself.
  const pivotbox::Runner reader{.args = {"cat"}, .files = {read_end.get(), 1, 2}, .mounts = *mounts};
  const pivotbox::Runner greeter{.args = {"sh", "-c", "exit 7"}, .mounts = *mounts};
  std::array boxes = {reader.start(), greeter.start()};
  constexpr std::array kNames = {"reader", "greeter"};

  std::array<pollfd, 2> waiting{};
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    if (!boxes[i]) return fail(boxes[i].error());
    waiting[i] = {.fd = boxes[i]->pidfd(), .events = POLLIN, .revents = 0};
  }
  for (std::size_t running = boxes.size(); running > 0;) {
    if (poll(waiting.data(), waiting.size(), -1) < 0) return std::perror("poll"), 1;
    for (std::size_t i = 0; i < boxes.size(); ++i) {
      if (waiting[i].revents == 0) continue;
      const auto outcome = boxes[i]->wait();  // does not block: the descriptor was readable
      if (!outcome) return fail(outcome.error());
      std::printf("%s ended with exit code %d\n", kNames[i], outcome->exit_code);
      waiting[i].fd = -1;  // poll(2) passes over it from now on
      --running;
      write_end.reset();
    }
  }
}
