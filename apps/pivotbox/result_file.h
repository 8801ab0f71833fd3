// A file that the command itself writes, where the program may have had a hand.
#pragma once

#include <sys/stat.h>

#include <string>
#include <utility>

#include "pivotbox/error.h"
#include "pivotbox/fd.h"

namespace pivotbox::cli {

/// The directory it lies in can be one that the program writes to (--write-cwd): no symbolic link is followed, a FIFO
/// holds nothing up, and what stands under the name in the end is what was written here.
class ResultFile {
 public:
  /// `name` is a file, or "-" for standard output; `field` is who asked for it.
  [[nodiscard]] static Result<ResultFile> open(const std::string& name, const std::string& field);
  /// `text` in place of all contents. Called once, when nothing of the box is left.
  [[nodiscard]] Result<> write(const std::string& text);
  /// In place of write(): takes the file away if it was not there before.
  [[nodiscard]] Result<> discard();
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  ResultFile(std::string name, std::string field) : name_(std::move(name)), field_(std::move(field)) {}
  [[nodiscard]] std::unexpected<Error> failed(const char* syscall) const;
  [[nodiscard]] Result<> open_file(int flags);
  [[nodiscard]] bool is_as_opened() const;
  [[nodiscard]] Result<> remove_name() const;

  std::string name_;
  std::string field_;
  bool made_ = false;     ///< it was not there before
  Fd file_;               ///< owns nothing for standard output
  struct stat opened_{};  ///< what `file_` was
};

}  // namespace pivotbox::cli
