#include "relay.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace pivotbox::cli {

namespace {

std::unexpected<Error> failed(std::string action, std::string syscall) {
  return std::unexpected(
      Error{.field = "--output-limit", .action = std::move(action), .syscall = std::move(syscall), .code = errno});
}

bool is_same_file(int a, int b) {
  struct stat first{};
  struct stat second{};
  return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

bool is_writable_now(int descriptor) {
  pollfd entry{.fd = descriptor, .events = POLLOUT, .revents = 0};
  return poll(&entry, 1, 0) == 1;
}

}  // namespace

Result<Relay::Stream> Relay::make_stream(int sink, std::uint64_t limit) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return failed("make a pipe for the program", "pipe2");
  Stream stream{.source = Fd::adopt(ends[0]), .programs_end = Fd::adopt(ends[1]), .sink = sink, .passes = limit};
  // The program may have another id than the command, and opens the pipe again by /dev/stdout.
  if (fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0 || fchmod(ends[0], 0666) != 0)
    return failed("make a pipe for the program", "fcntl");
  return stream;
}

Result<Relay> Relay::make(std::uint64_t limit) {
  Relay relay;
  for (const int sink : {STDOUT_FILENO, STDERR_FILENO}) {
    if (sink == STDERR_FILENO && is_same_file(STDOUT_FILENO, STDERR_FILENO)) break;
    Result<Stream> stream = make_stream(sink, limit);
    if (!stream) return std::unexpected(stream.error());
    relay.streams_.push_back(*std::move(stream));
  }
  return relay;
}

std::array<int, 2> Relay::programs_ends() const {
  return {streams_.front().programs_end.get(), streams_.back().programs_end.get()};
}

void Relay::close_programs_ends() {
  for (Stream& stream : streams_) stream.programs_end.reset();
}

std::vector<pollfd> Relay::wanted() const {
  std::vector<pollfd> entries;
  for (const Stream& stream : streams_) {
    const bool full = stream.begin < stream.end;
    entries.push_back({.fd = full ? stream.sink : stream.source.get(),
                       .events = static_cast<short>(full ? POLLOUT : POLLIN),
                       .revents = 0});
  }
  return entries;
}

bool Relay::exceeded() const { return std::ranges::any_of(streams_, &Stream::exceeded); }

/// False when there is nothing to read now.
Result<bool> Relay::fill(Stream& stream) {
  if (!stream.source) return false;
  // One byte beyond the limit is looked for, and never passed on.
  const std::size_t wanted = std::min<std::uint64_t>(kBlock, stream.passes + (stream.passes < kBlock ? 1 : 0));
  const ssize_t got = read(stream.source.get(), stream.block.data(), wanted);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (got < 0) return failed("take what the program writes", "read");
  const auto taken = std::min(static_cast<std::uint64_t>(got), stream.passes);
  stream.exceeded = static_cast<std::uint64_t>(got) > taken;
  if (got == 0 || stream.exceeded) stream.source.reset();
  stream.passes -= taken;
  stream.begin = 0;
  stream.end = taken;
  return taken > 0;
}

/// False when it cannot be written now.
Result<bool> Relay::drain(Stream& stream) {
  if (!is_writable_now(stream.sink)) return false;
  const ssize_t written = write(stream.sink, stream.block.data() + stream.begin, stream.end - stream.begin);
  if (written >= 0) {
    stream.begin += static_cast<std::size_t>(written);
    return true;
  }
  if (errno == EAGAIN || errno == EINTR) return false;
  if (errno != EPIPE)
    return failed(stream.sink == STDOUT_FILENO ? "write standard output" : "write standard error", "write");
  // The program is to see what we have seen: nobody reads this any more.
  stream.source.reset();
  stream.begin = stream.end;
  return false;
}

Result<> Relay::move() {
  constexpr int kBlocksAtOnce = 64;  // signals want to be seen too
  for (Stream& stream : streams_) {
    for (int i = 0; i < kBlocksAtOnce; ++i) {
      const Result<bool> moved = stream.begin < stream.end ? drain(stream) : fill(stream);
      if (!moved) return std::unexpected(moved.error());
      if (!*moved) break;
    }
  }
  return {};
}

Result<bool> Relay::move_rest() {
  bool all = true;
  for (Stream& stream : streams_) {
    Result<bool> moved = true;
    while (moved && *moved) moved = stream.begin < stream.end ? drain(stream) : fill(stream);
    if (!moved) return std::unexpected(moved.error());
    all = all && stream.begin == stream.end;
  }
  return all;
}

}  // namespace pivotbox::cli
