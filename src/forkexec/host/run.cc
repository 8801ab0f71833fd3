#include "pivotbox/run.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "forkexec/host/launch.h"
#include "linux/file.h"
#include "linux/quiet_write.h"
#include "pivotbox/fd.h"

namespace pivotbox {

namespace {

struct Pipe {
  Fd read;
  Fd write;
};

/// Which end is the caller's: that one is made non-blocking.
enum class CallersEnd : std::uint8_t { read, write };

Result<Pipe> make_pipe(CallersEnd callers) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return std::unexpected(linux_::system_error("make a pipe for the program", "pipe2"));
  Pipe pipe{.read = Fd::adopt(ends[0]), .write = Fd::adopt(ends[1])};
  if (::fcntl(callers == CallersEnd::read ? ends[0] : ends[1], F_SETFL, O_NONBLOCK) != 0)
    return std::unexpected(linux_::system_error("make a pipe for the program", "fcntl"));
  // The program may have another id than its pipes' maker, and opens them again by /dev/stdout. Nobody else can reach
  // them.
  if (::fchmod(ends[0], 0666) != 0)
    return std::unexpected(linux_::system_error("make a pipe for the program", "fchmod"));
  return pipe;
}

/// Collects from a pipe, at most `limit` bytes.
class Collector {
 public:
  Collector(Fd source, std::uint64_t limit, std::string& kept)
      : source_(std::move(source)), limit_(limit), kept_(kept) {}

  [[nodiscard]] int fd() const { return source_.get(); }
  [[nodiscard]] bool exceeded() const { return exceeded_; }

  Result<> drain() {
    std::array<char, 65536> block;
    while (source_) {
      const ssize_t got = ::read(source_.get(), block.data(), block.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) return {};
      if (got < 0) return std::unexpected(linux_::system_error("collect output", "read"));
      if (got == 0) source_.reset();
      const auto room = std::min<std::uint64_t>(static_cast<std::uint64_t>(got), limit_ - kept_.size());
      kept_.append(block.data(), room);
      if (room == static_cast<std::uint64_t>(got)) continue;
      exceeded_ = true;
      source_.reset();
    }
    return {};
  }

 private:
  Fd source_;
  std::uint64_t limit_;
  std::string& kept_;
  bool exceeded_ = false;
};

/// Writes to a pipe whose reader may go away at any time.
class Feeder {
 public:
  Feeder(Fd sink, std::string_view left) : sink_(std::move(sink)), left_(left) {}

  [[nodiscard]] int fd() const { return sink_.get(); }

  Result<> push() {
    while (sink_ && !left_.empty()) {
      const ssize_t written = linux_::write_quietly(sink_.get(), left_.data(), left_.size(), SIGPIPE);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0 && errno == EAGAIN) return {};
      if (written < 0 && errno != EPIPE) return std::unexpected(linux_::system_error("feed standard input", "write"));
      left_.remove_prefix(written < 0 ? left_.size() : static_cast<std::size_t>(written));
    }
    sink_.reset();
    return {};
  }

 private:
  Fd sink_;
  std::string_view left_;
};

/// One box being fed and collected.
class Conversation {
 public:
  Conversation(Process process, Feeder input, Collector output, Collector error)
      : process_(std::move(process)), input_(std::move(input)), output_(std::move(output)), error_(std::move(error)) {}

  /// Until the box is gone.
  Result<Outcome> hold() {
    for (;;) {
      pollfd watched[4] = {{process_.pidfd(), POLLIN, 0},
                           {input_.fd(), POLLOUT, 0},
                           {output_.fd(), POLLIN, 0},
                           {error_.fd(), POLLIN, 0}};
      if (::poll(watched, 4, -1) < 0 && errno != EINTR)
        return std::unexpected(linux_::system_error("wait for the box", "poll"));
      if (Result<> r = move_data(); !r) return std::unexpected(std::move(r.error()));
      if (output_.exceeded() || error_.exceeded())
        if (Result<> r = process_.end_for_output(); !r) return std::unexpected(std::move(r.error()));
      // With the end asked for, wait() bounds how long init may take.
      if (watched[0].revents != 0 || output_.exceeded() || error_.exceeded()) return last_words();
    }
  }

 private:
  /// What was written before the end may still be in the pipes.
  Result<Outcome> last_words() {
    Result<Outcome> outcome = process_.wait();
    if (Result<> r = move_data(); !r) return std::unexpected(std::move(r.error()));
    return outcome;
  }

  Result<> move_data() {
    if (Result<> r = input_.push(); !r) return r;
    if (Result<> r = output_.drain(); !r) return r;
    return error_.drain();
  }

  Process process_;
  Feeder input_;
  Collector output_;
  Collector error_;
};

/// Starts by `start` what has `files`, the first three of them pipes, and converses with it.
Result<Outcome> converse(std::vector<int>& files, const RunOptions& options, auto start) {
  Result<Pipe> input = make_pipe(CallersEnd::write);
  Result<Pipe> output = make_pipe(CallersEnd::read);
  Result<Pipe> error = make_pipe(CallersEnd::read);
  for (const Result<Pipe>* pipe : {&input, &output, &error})
    if (!*pipe) return std::unexpected(pipe->error());
  files[0] = input->read.get();
  files[1] = output->write.get();
  files[2] = error->write.get();
  Result<Process> process = start();
  if (!process) return std::unexpected(std::move(process.error()));
  input->read.reset();
  output->write.reset();
  error->write.reset();

  std::string collected_output;
  std::string collected_error;
  Conversation conversation(std::move(*process), Feeder(std::move(input->write), options.standard_input),
                            Collector(std::move(output->read), options.output_limit_bytes, collected_output),
                            Collector(std::move(error->read), options.error_limit_bytes, collected_error));
  Result<Outcome> outcome = conversation.hold();
  if (!outcome) return outcome;
  outcome->standard_output = std::move(collected_output);
  outcome->standard_error = std::move(collected_error);
  return outcome;
}

/// The first three are to be pipes.
void make_room_for_pipes(std::vector<int>& files) {
  files.resize(std::max<std::size_t>(files.size(), 3), Runner::kClosed);
  std::fill_n(files.begin(), 3, Runner::kClosed);
}

}  // namespace

Result<Outcome> run(const Runner& runner, const RunOptions& options) {
  Runner piped = runner;
  make_room_for_pipes(piped.files);
  if (Result<> open = check_files(piped.files); !open) return std::unexpected(std::move(open.error()));
  if (Result<> open = check_descriptors(piped); !open) return std::unexpected(std::move(open.error()));
  return converse(piped.files, options, [&piped] { return piped.start(); });
}

Result<Outcome> run(Box box, Program program, const RunOptions& options) {
  make_room_for_pipes(program.files);
  if (Result<> open = check_files(program.files); !open) return std::unexpected(std::move(open.error()));
  return converse(program.files, options, [&] { return box.start(std::move(program)); });
}

}  // namespace pivotbox
