#include "cgroup/group_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <thread>

#include "linux/file.h"

namespace pivotbox::cgroup {

namespace {

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::string setting_hint(const Setting& setting, int code) {
  if (setting.file.starts_with("cpuset.")) return "each of these CPUs must be among those of the group above";
  if (setting.file.starts_with("cpu.")) return "the group above may give less than that";
  if (setting.file == "memory.swap.max") return "swap is on, and the kernel does not count it: boot with swapaccount=1";
  if (setting.file == "io.weight" || setting.file == "blkio.bfq.weight")
    return "no scheduler of this host weighs: see the kernel's block I/O controller";
  if (setting.file.starts_with("io.") || setting.file.starts_with("blkio."))
    return "the device must be a whole disk, not a partition";
  return code == ENOENT ? "this kernel's controller does not have it" : "";
}

}  // namespace

bool is_box_name(std::string_view name) {
  if (!name.starts_with(kPrefix)) return false;
  name.remove_prefix(kPrefix.size());
  const std::size_t dash = name.find('-');
  return dash != std::string_view::npos && is_number(name.substr(0, dash)) && is_number(name.substr(dash + 1));
}

Result<Fd> open_directory(int at, const std::string& path) {
  return linux_::open_file(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

std::vector<std::string> names_in(int directory) {
  std::vector<std::string> names;
  const int copy = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return names;
  DIR* stream = ::fdopendir(copy);
  if (stream == nullptr) {
    ::close(copy);
    return names;
  }
  while (const dirent* entry = ::readdir(stream))
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  ::closedir(stream);
  return names;
}

std::string text_in(int directory, const char* file) {
  const Fd opened = Fd::adopt(::openat(directory, file, O_RDONLY | O_CLOEXEC));
  std::string text;
  std::array<char, 4096> block;
  for (ssize_t got = opened ? 1 : 0; got > 0;) {
    got = ::read(opened.get(), block.data(), block.size());
    if (got > 0) text.append(block.data(), static_cast<std::size_t>(got));
  }
  return text;
}

std::vector<pid_t> processes_in(int directory) {
  std::vector<pid_t> pids;
  const std::string text = text_in(directory, "cgroup.procs");
  for (const std::string_view line : split(text, '\n')) {
    pid_t pid = 0;
    std::from_chars(line.data(), line.data() + line.size(), pid);
    if (pid > 0) pids.push_back(pid);  // 0 is one of another pid namespace
  }
  return pids;
}

int write_in(int directory, const std::string& file, std::string_view text) {
  const Fd opened = Fd::adopt(::openat(directory, file.c_str(), O_WRONLY | O_CLOEXEC));
  if (!opened) return errno;
  for (;;) {
    if (::write(opened.get(), text.data(), text.size()) >= 0) return 0;
    if (errno != EINTR) return errno;
  }
}

Result<> write_setting(int directory, const Setting& setting) {
  const int code = write_in(directory, setting.file, setting.value);
  if (code == 0 || (code == ENOENT && setting.absence == Setting::Absence::harmless)) return {};
  return std::unexpected(Error{.kind = Error::Kind::system,
                               .field = setting.field,
                               .action = "write \"" + setting.value + "\" to the control group's " + setting.file,
                               .syscall = code == ENOENT ? "openat" : "write",
                               .code = code,
                               .hint = setting_hint(setting, code)});
}

Result<Fd> make_group(int parent, const std::string& name) {
  if (::mkdirat(parent, name.c_str(), 0700) != 0) {
    if (errno == EEXIST) return Fd();
    return std::unexpected(linux_::system_error("make the control group " + name, "mkdirat"));
  }
  Fd directory = Fd::adopt(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  // Another host's sweep may have come between: then the name is given up.
  if (!directory || ::flock(directory.get(), LOCK_SH | LOCK_NB) != 0 ||
      ::faccessat(directory.get(), "cgroup.procs", F_OK, 0) != 0) {
    ::unlinkat(parent, name.c_str(), AT_REMOVEDIR);
    return Fd();
  }
  return directory;
}

bool remove_group(int parent, const std::string& name) {
  constexpr int kTries = 2000;
  for (int tries = 0; ::unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0; ++tries) {
    if (errno == ENOENT) return true;
    if (tries == kTries) return false;  // the next host's sweep tries again
    std::this_thread::sleep_for(std::chrono::microseconds(500));
  }
  return true;
}

void sweep(int parent) {
  for (const std::string& name : names_in(parent)) {
    if (!is_box_name(name)) continue;
    const Fd directory = Fd::adopt(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (directory && ::flock(directory.get(), LOCK_EX | LOCK_NB) == 0)
      ::unlinkat(parent, name.c_str(), AT_REMOVEDIR);  // refused as long as anybody is in it
  }
}

}  // namespace pivotbox::cgroup
