// What the kernel tests share: boxes that run a shell, and a directory of the host to show them.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>

#include "pivotbox/pivotbox.h"

namespace pivotbox::box {

inline bool is_root() { return ::geteuid() == 0; }

/// `script` by /bin/sh in the host's programs.
inline Runner shell(std::string script) {
  const Result<std::vector<Mount>> mounts = host_root();
  EXPECT_TRUE(mounts) << mounts.error().message();
  return {.args = {"/bin/sh", "-c", std::move(script)},
          .env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"},
          .work_dir = "/work",
          .mounts = *mounts};
}

/// Runs it with a bound on time; a failure of the sandbox fails the test.
inline Outcome outcome_of(Runner runner, std::string_view input = {}) {
  if (!runner.limits.wall_time) runner.limits.wall_time = std::chrono::seconds(60);
  const Result<Outcome> outcome = run(runner, {.standard_input = input});
  EXPECT_TRUE(outcome) << outcome.error().message() << "\n" << outcome.error().hint;
  return outcome ? *outcome : Outcome{.kind = Outcome::Kind::exited, .exit_code = -1};
}

/// What `script` writes to standard output; anything but a clean end fails the test.
inline std::string output_of(const Runner& runner) {
  const Outcome outcome = outcome_of(runner);
  EXPECT_EQ(outcome.kind, Outcome::Kind::exited);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  return outcome.standard_output;
}

/// The Error that start() gives; a box that starts fails the test.
inline Error error_of(const Runner& runner) {
  Result<Process> process = runner.start();
  EXPECT_FALSE(process) << "started";
  return process ? Error{} : process.error();
}

/// A directory of the host's, removed with everything in it.
class HostDirectory {
 public:
  HostDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "pivotbox-test.XXXXXX").string();
    path_ = ::mkdtemp(pattern.data()) != nullptr ? pattern : "";
    ::chmod(path_.c_str(), 0755);
  }
  ~HostDirectory() {
    std::error_code ignored;
    // The kernel's own directory in an overlay's work directory has mode 0, so its owner may not look into it.
    for (const auto& entry : std::filesystem::recursive_directory_iterator(
             path_, std::filesystem::directory_options::skip_permission_denied, ignored))
      if (entry.is_directory() && !entry.is_symlink())
        std::filesystem::permissions(entry, std::filesystem::perms::owner_all, ignored);
    std::filesystem::remove_all(path_, ignored);
  }
  HostDirectory(const HostDirectory&) = delete;
  HostDirectory& operator=(const HostDirectory&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

  std::string make_file(std::string_view name, std::string_view contents, mode_t mode = 0644) const {
    const std::string file = *this / name;
    std::ofstream(file) << contents;
    ::chmod(file.c_str(), mode);
    return file;
  }
  std::string make_directory(std::string_view name) const {
    std::filesystem::create_directories(*this / name);
    return *this / name;
  }

 private:
  std::string path_;
};

inline std::string contents_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

inline std::string host_mounts() { return contents_of("/proc/self/mountinfo"); }

/// The ids of the first unprivileged mapping a test may use: root maps 1000, an ordinary user itself.
inline std::uint32_t mappable_uid() { return is_root() ? 1000 : ::geteuid(); }
inline std::uint32_t mappable_gid() { return is_root() ? 1000 : ::getegid(); }

inline Runner as_container_root(Runner runner) {
  runner.uid_mappings = {{.container_id = 0, .host_id = mappable_uid()}};
  runner.gid_mappings = {{.container_id = 0, .host_id = mappable_gid()}};
  return runner;
}

}  // namespace pivotbox::box
