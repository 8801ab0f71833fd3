// What was said on the command line: plain data, checked word by word, nothing looked up on the host.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "pivotbox/explain.h"
#include "pivotbox/mount.h"
#include "pivotbox/path_rule.h"
#include "pivotbox/runner.h"
#include "values.h"

namespace pivotbox::cli {

enum class Verb : std::uint8_t { run, explain, learn, help, version };

/// What the program sees before the mount options are done.
enum class DefaultRoot : std::uint8_t { host, directory, none };

/// How the current directory appears in the box.
enum class CurrentDirectory : std::uint8_t {
  automatic,  ///< read-only in the host's root, not at all in any other
  absent,
  read_write,
};

/// --file: a copy of a host file, which is read when the box is asked for.
struct HostFile {
  std::string source;
  std::string target;
  std::uint32_t mode = 0644;
};

/// One mount option. Host paths are as given, perhaps relative.
struct MountOption {
  std::variant<Mount, HostFile> entry;
  std::string words;  ///< "--bind data:/data", for messages
};

/// --deny and the like. Paths are as given, perhaps relative.
struct RuleOption {
  PathRule rule;
  std::string words;  ///< "--deny .env", for messages
};

/// --deny-from: a file with one path or pattern per line.
struct RuleFile {
  std::string path;
};

/// A limit, with the words for the message when it strikes.
template <class T>
struct Limit {
  T value{};
  std::string words;
};

enum class Network : std::uint8_t { loopback_only, host };
enum class SecondWall : std::uint8_t { landlock, none };
enum class Watching : std::uint8_t { nothing, denials };
enum class Timing : std::uint8_t { unmeasured, measured };

struct Options {
  Verb verb = Verb::help;
  std::vector<std::string> program;

  DefaultRoot root = DefaultRoot::host;
  std::string root_directory;                      ///< with DefaultRoot::directory; as given
  std::optional<Limit<std::uint64_t>> tmpfs_size;  ///< of each file system in memory that the root has by itself
  CurrentDirectory current_directory = CurrentDirectory::automatic;
  std::vector<MountOption> mounts;
  std::vector<std::variant<RuleOption, RuleFile>> rules;

  std::optional<std::string> work_dir;
  /// In the order given: "NAME=value" sets, "NAME" keeps the caller's.
  std::vector<std::string> environment;
  Pid1 pid1 = Pid1::init;

  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
  std::vector<IdMapping> uid_mappings;
  std::vector<IdMapping> gid_mappings;
  std::optional<std::string> host_name;
  Network network = Network::loopback_only;
  std::vector<int> capabilities;
  std::string policy = "default";  ///< name of a preset, or a file
  SecondWall second_wall = SecondWall::landlock;
  std::optional<std::vector<std::uint16_t>> tcp_bind;
  std::optional<std::vector<std::uint16_t>> tcp_connect;
  std::optional<Require> require;  ///< everything, if it is not said
  Watching watching = Watching::nothing;
  std::optional<std::string> learned_policy;  ///< where 'learn' writes, if it is said

  std::optional<std::uint32_t> processes;
  ProcessesExceeded processes_exceeded = ProcessesExceeded::refuse;
  std::optional<Limit<std::uint64_t>> memory_bytes;
  std::optional<double> cpus;
  std::string cpuset;
  std::optional<std::uint32_t> io_weight;
  std::vector<IoLimit> io;
  std::optional<std::string> cgroup_parent;
  Strictness strictness = Strictness::required;
  std::vector<ResourceLimit> rlimits;
  std::optional<Limit<std::chrono::nanoseconds>> wall_time;
  std::optional<Limit<std::chrono::nanoseconds>> cpu_time;
  std::optional<Limit<std::uint64_t>> output_bytes;

  std::optional<std::string> report;  ///< a file, or "-" for standard output
  Timing timing = Timing::unmeasured;
  std::optional<ExplainFormat> format;
};

/// Where 'learn' writes.
inline std::string learned_policy_of(const Options& options) {
  return options.learned_policy.value_or("learned.policy");
}

/// The words after the command's own name. The message of a refusal names the option at fault.
[[nodiscard]] Parsed<Options> parse(std::span<char* const> words);

}  // namespace pivotbox::cli
