#include "linux/idmap.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "linux/file.h"

extern char** environ;

namespace pivotbox::linux_ {

namespace {

std::string map_text(std::span<const IdMapping> mappings) {
  std::string text;
  for (const IdMapping& m : mappings)
    text += std::to_string(m.container_id) + ' ' + std::to_string(m.host_id) + ' ' + std::to_string(m.size) + '\n';
  return text;
}

Result<> run_map_helper(const char* program, pid_t pid, std::span<const IdMapping> mappings) {
  std::vector<std::string> words = {program, std::to_string(pid)};
  for (const IdMapping& m : mappings)
    for (const std::uint32_t number : {m.container_id, m.host_id, m.size}) words.push_back(std::to_string(number));
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const auto failed = [&](const char* call, int code, std::string hint) {
    return std::unexpected(Error{.kind = Error::Kind::unsupported,
                                 .action = std::string("run ") + program,
                                 .syscall = call,
                                 .code = code,
                                 .hint = std::move(hint)});
  };
  posix_spawn_file_actions_t quiet;
  ::posix_spawn_file_actions_init(&quiet);
  ::posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
  pid_t helper = -1;
  const int spawned = ::posix_spawnp(&helper, program, &quiet, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&quiet);
  if (spawned != 0)
    return failed("posix_spawn", spawned, "install it (Debian: package uidmap), or map only your own id");
  int status = 0;
  while (::waitpid(helper, &status, 0) < 0)
    if (errno != EINTR) return failed("waitpid", errno, "SIGCHLD must not be ignored while newuidmap runs");
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return failed("", EPERM, "the ranges must be yours in /etc/subuid and /etc/subgid");
  return {};
}

Result<> write_map(int directory, const char* file, const char* helper, pid_t pid, std::span<const IdMapping> mappings,
                   MapWriter writer) {
  if (writer == MapWriter::helper) return run_map_helper(helper, pid, mappings);
  return write_file(directory, file, map_text(mappings));
}

}  // namespace

Result<> write_id_maps(pid_t pid, std::span<const IdMapping> uids, MapWriter uid_writer,
                       std::span<const IdMapping> gids, MapWriter gid_writer, Setgroups setgroups) {
  const Result<Fd> directory = open_file(AT_FDCWD, "/proc/" + std::to_string(pid), O_PATH | O_DIRECTORY);
  if (!directory) return std::unexpected(directory.error());
  if (Result<> r = write_map(directory->get(), "uid_map", "newuidmap", pid, uids, uid_writer); !r) return r;
  if (setgroups == Setgroups::deny)
    if (Result<> r = write_file(directory->get(), "setgroups", "deny"); !r) return r;
  return write_map(directory->get(), "gid_map", "newgidmap", pid, gids, gid_writer);
}

}  // namespace pivotbox::linux_
