// --output-limit: what the program writes passes through pipes of the command's, up to the limit.
#pragma once

#include <poll.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "pivotbox/error.h"
#include "pivotbox/fd.h"

namespace pivotbox::cli {

/// Two standard descriptors of the program, each with a pipe to the command's own one. Nothing here blocks.
class Relay {
 public:
  /// Standard output and standard error each pass up to `limit` bytes; together if they are the same file, so that the
  /// order of what is written to them stays.
  [[nodiscard]] static Result<Relay> make(std::uint64_t limit);

  /// What the program has as descriptors 1 and 2.
  [[nodiscard]] std::array<int, 2> programs_ends() const;
  /// After the launch: the command keeps no writing end.
  void close_programs_ends();

  /// What to wait for with poll(2), besides the rest.
  [[nodiscard]] std::vector<pollfd> wanted() const;
  /// Moves what can be moved without waiting.
  [[nodiscard]] Result<> move();
  /// More was written than passes.
  [[nodiscard]] bool exceeded() const;
  /// The program is gone: what is left is in the pipes. True once all of it has been passed on, or thrown away because
  /// nobody reads it.
  [[nodiscard]] Result<bool> move_rest();

 private:
  /// No more than a pipe takes without blocking once poll(2) says that it is writable (PIPE_BUF, pipe(7)).
  static constexpr std::size_t kBlock = 4096;

  struct Stream {
    Fd source;
    Fd programs_end;
    int sink = -1;
    std::uint64_t passes = 0;  ///< bytes that may still be read
    bool exceeded = false;
    std::array<char, kBlock> block{};
    std::size_t begin = 0;  ///< block[begin, end) is to be written
    std::size_t end = 0;
  };

  [[nodiscard]] static Result<Stream> make_stream(int sink, std::uint64_t limit);
  // Each: whether anything was moved.
  static Result<bool> fill(Stream& stream);
  static Result<bool> drain(Stream& stream);

  std::vector<Stream> streams_;  ///< one, or one for each descriptor
};

}  // namespace pivotbox::cli
