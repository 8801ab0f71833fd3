#include "result_file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "host_paths.h"
#include "output.h"

namespace pivotbox::cli {

std::unexpected<Error> ResultFile::failed(const char* syscall) const {
  const int code = errno;
  const bool replaced = opened_.st_ino != 0;
  std::string hint;
  if (code == ELOOP) hint = "a symbolic link is not followed; name the file itself";
  if (code == ENXIO) hint = "a FIFO needs a reader before the program is started";
  if (replaced) hint = "the program has changed the directory that the file was in; keep results where it cannot write";
  return std::unexpected(
      Error{.field = field_, .action = "open " + name_, .syscall = syscall, .code = code, .hint = hint});
}

Result<> ResultFile::open_file(int flags) {
  Result<Fd> opened = open_without_links(name_, O_WRONLY | O_CREAT | flags, 0644);
  if (!opened) {
    errno = opened.error().code;
    return failed("openat2");
  }
  file_ = std::move(*opened);
  if (fstat(file_.get(), &opened_) != 0) return failed("fstat");
  return {};
}

/// Whether the name still stands for the file, and whoever could read it still can.
bool ResultFile::is_as_opened() const {
  struct stat now{};
  return lstat(name_.c_str(), &now) == 0 && now.st_dev == opened_.st_dev && now.st_ino == opened_.st_ino &&
         now.st_mode == opened_.st_mode;
}

/// Takes away what the program has put under the name: a file or a link, not a directory.
Result<> ResultFile::remove_name() const {
  const std::size_t slash = name_.rfind('/');
  open_how how{};
  how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS;
  const std::string directory = slash == std::string::npos ? "." : name_.substr(0, slash + 1);
  const Fd opened = Fd::adopt(static_cast<int>(syscall(SYS_openat2, AT_FDCWD, directory.c_str(), &how, sizeof how)));
  if (!opened) return failed("openat2");
  const std::string last = slash == std::string::npos ? name_ : name_.substr(slash + 1);
  if (unlinkat(opened.get(), last.c_str(), 0) != 0 && errno != ENOENT) return failed("unlinkat");
  return {};
}

Result<ResultFile> ResultFile::open(const std::string& name, const std::string& field) {
  if (name == "-") {
    if (Result<> open = require_standard_output(); !open) return std::unexpected(std::move(open.error()));
    return ResultFile("standard output", field);
  }
  ResultFile file(name, field);
  struct stat before{};
  file.made_ = lstat(name.c_str(), &before) != 0;
  if (Result<> opened = file.open_file(0); !opened) return std::unexpected(std::move(opened.error()));
  return file;
}

Result<> ResultFile::discard() { return made_ && is_as_opened() ? remove_name() : Result<>(); }

Result<> ResultFile::write(const std::string& text) {
  if (!file_) return write_all(STDOUT_FILENO, text, name_);
  if (S_ISREG(opened_.st_mode)) {
    if (!is_as_opened()) {
      if (Result<> removed = remove_name(); !removed) return removed;
      if (Result<> created = open_file(O_EXCL); !created) return created;
    }
    if (ftruncate(file_.get(), 0) != 0) return failed("ftruncate");
  }
  return write_all(file_.get(), text, name_);
}

}  // namespace pivotbox::cli
