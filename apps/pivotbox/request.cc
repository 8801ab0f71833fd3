#include "request.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <span>
#include <sstream>
#include <utility>

#include "host_paths.h"
#include "pivotbox/roots.h"

namespace pivotbox::cli {

namespace {

std::unexpected<Error> in_field(std::string field, Error error) {
  error.field = std::move(field);
  return std::unexpected(std::move(error));
}

bool is_within(std::string_view path, std::string_view directory) {
  return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

/// Of the file system in memory that `mount` makes; false if it makes none.
bool set_size(Mount& mount, std::uint64_t bytes) {
  if (auto* tmpfs = std::get_if<mount::Tmpfs>(&mount)) tmpfs->size_bytes = bytes;
  if (auto* dev = std::get_if<mount::Dev>(&mount)) dev->shm_size_bytes = bytes;
  return std::holds_alternative<mount::Tmpfs>(mount) || std::holds_alternative<mount::Dev>(mount);
}

/// Builds a Request subject by subject.
class RequestBuilder {
 public:
  explicit RequestBuilder(const Options& options) : options_(options) {}

  Result<Request> build() {
    for (const auto step :
         {&RequestBuilder::add_root, &RequestBuilder::add_current_directory, &RequestBuilder::add_mount_options,
          &RequestBuilder::add_rules, &RequestBuilder::set_policy, &RequestBuilder::set_limits})
      if (Result<> r = (this->*step)(); !r) return std::unexpected(r.error());
    set_program();
    set_environment();
    set_identity();
    return std::move(request_);
  }

 private:
  Runner& runner() { return request_.runner; }

  void add(Mount mount, std::string words) {
    runner().mounts.push_back(std::move(mount));
    request_.mount_words.push_back(std::move(words));
  }

  Result<> add_root() {
    if (options_.root == DefaultRoot::none) return {};
    const bool host = options_.root == DefaultRoot::host;
    const std::string words = host ? "default root" : "--root " + options_.root_directory;
    Result<std::vector<Mount>> mounts = host ? root_of_host() : unpacked_root();
    if (!mounts) return in_field(words, mounts.error());
    for (Mount& mount : *mounts) {
      const bool resized = options_.tmpfs_size && set_size(mount, options_.tmpfs_size->value);
      add(std::move(mount), resized ? "--tmpfs-size " + options_.tmpfs_size->words : words);
    }
    return {};
  }

  Result<std::vector<Mount>> root_of_host() const {
    if (options_.require == Require::landlock && !can_make({.net = options_.network == Network::loopback_only}))
      return host_root_in_place();
    HostRootOptions root{.work_dir = ""};
    if (options_.network == Network::host) root.name_lookup = NameLookup::host;
    if (!options_.uid_mappings.empty()) root.uid = options_.uid_mappings.front().container_id;
    if (!options_.gid_mappings.empty()) root.gid = options_.gid_mappings.front().container_id;
    if (options_.uid) {
      root.uid = options_.uid;
      root.gid = options_.gid.value_or(*options_.uid);
    }
    return host_root(root);
  }

  Result<std::vector<Mount>> unpacked_root() const {
    const Result<std::string> directory = absolute_path(options_.root_directory);
    if (!directory) return std::unexpected(directory.error());
    return directory_root(*directory);
  }

  Result<> add_current_directory();
  Result<> add_mount_options();
  Result<> set_policy();
  Result<> add_rules();
  Result<> add_rule(PathRule rule, std::string words);
  Result<> add_rules_of(const RuleFile& file);
  void set_program();
  void set_environment();
  void set_identity();
  Result<> set_limits();

  const Options& options_;
  Request request_;
};

/// Of a text that was given by an option: the place goes in front of what is wrong there.
Error at_its_place(Error error) {
  error.action = error.field + ": " + error.action;
  return error;
}

bool is_within_one_of(std::string_view path, std::span<const std::string_view> directories) {
  return std::ranges::any_of(directories, [&](std::string_view directory) { return is_within(path, directory); });
}

/// Directories of the system that the root has its own of, or must not show.
bool is_not_shown(std::string_view directory) {
  static constexpr std::array<std::string_view, 4> kPlaces = {"/etc", "/proc", "/dev", "/sys"};
  return is_within_one_of(directory, kPlaces);
}

/// Those, and the ones that the root has already.
bool belongs_to_system(std::string_view directory) {
  static constexpr std::array<std::string_view, 7> kPlaces = {"/usr",   "/bin",   "/sbin",  "/lib",
                                                              "/lib32", "/lib64", "/libx32"};
  return directory == "/" || is_not_shown(directory) || is_within_one_of(directory, kPlaces);
}

/// Closed to other ids. A program with an id of its own could not even enter it, so there it gets the owner's rights.
bool is_private(const std::string& directory) {
  struct stat status{};
  constexpr mode_t kEnterAndRead = S_IROTH | S_IXOTH;
  return ::stat(directory.c_str(), &status) == 0 && (status.st_mode & kEnterAndRead) != kEnterAndRead;
}

Result<> RequestBuilder::add_current_directory() {
  const bool writable = options_.current_directory == CurrentDirectory::read_write;
  const bool automatic =
      options_.current_directory == CurrentDirectory::automatic && options_.root == DefaultRoot::host;
  if (!writable && !automatic) return {};

  const std::string words = writable ? "--write-cwd" : "current directory";
  const Result<std::string> directory = current_directory();
  if (!directory) return in_field(words, directory.error());
  if (belongs_to_system(*directory)) {
    if (writable)
      return in_field(words, {.kind = Error::Kind::invalid,
                              .action = *directory + " belongs to the system and is not made writable",
                              .hint = "change to a directory of your own"});
    if (is_not_shown(*directory) && !options_.work_dir)
      return in_field(words, {.kind = Error::Kind::invalid,
                              .action = *directory + " belongs to the system and is not shown in the box",
                              .hint = "--no-cwd starts the program in /, --chdir where you say"});
    if (!is_not_shown(*directory)) runner().work_dir = *directory;
    return {};
  }
  runner().work_dir = *directory;
  add(mount::Bind{.source = *directory,
                  .target = *directory,
                  .access = writable ? Access::read_write : Access::read_only,
                  .ownership = is_private(*directory) ? Ownership::program : Ownership::automatic},
      words + " " + *directory);
  return {};
}

/// One mount option's entry with its host paths made absolute and its file read.
struct Resolve {
  Result<Mount> operator()(Mount mount) const {
    Result<> resolved = std::visit([](auto& m) { return make_absolute(m); }, mount);
    if (!resolved) return std::unexpected(resolved.error());
    return mount;
  }

  Result<Mount> operator()(const HostFile& file) const {
    Result<std::string> contents = read_host_file(file.source);
    if (!contents) return std::unexpected(contents.error());
    return mount::File{.target = file.target, .contents = *std::move(contents), .mode = file.mode};
  }

 private:
  static Result<> make_absolute(std::string& path) {
    const Result<std::string> absolute = absolute_path(path);
    if (!absolute) return std::unexpected(absolute.error());
    path = without_link_in_root(*absolute);
    return {};
  }

  static Result<> make_absolute(mount::Bind& bind) {
    if (bind.target.empty()) {
      Result<std::string> target = absolute_path(bind.source);
      if (!target) return std::unexpected(target.error());
      bind.target = *std::move(target);
    }
    return make_absolute(bind.source);
  }

  static Result<> make_absolute(mount::Overlay& overlay) {
    for (std::string& lower : overlay.lower)
      if (Result<> r = make_absolute(lower); !r) return r;
    auto* keep = std::get_if<mount::Overlay::Keep>(&overlay.changes);
    if (keep == nullptr) return {};
    if (Result<> r = make_absolute(keep->upper); !r) return r;
    return make_absolute(keep->work);
  }

  static Result<> make_absolute(auto&) { return {}; }  // names no host path
};

Result<> RequestBuilder::add_mount_options() {
  for (const MountOption& option : options_.mounts) {
    Result<Mount> mount = std::visit(Resolve(), option.entry);
    if (!mount) return in_field(option.words, mount.error());
    add(*std::move(mount), option.words);
  }
  return {};
}

/// A preset goes before a file of the same name: "./default" is the file.
Result<> RequestBuilder::set_policy() {
  const std::string& policy = options_.policy;
  const std::string words = "--policy " + policy;
  Result<SeccompFilter> filter = SeccompFilter::preset(policy);
  if (!filter) {
    const Result<std::string> text = read_host_file(policy);
    if (!text && text.error().code == ENOENT && !policy.contains('/')) return in_field(words, filter.error());
    if (!text) return in_field(words, text.error());
    Result<SyscallPolicy> parsed = SyscallPolicy::parse(*text, policy);
    if (!parsed) return in_field(words, at_its_place(parsed.error()));
    filter = SeccompFilter::from_policy(*std::move(parsed), policy);
  }
  if (!filter) return in_field(words, filter.error());
  runner().seccomp = *std::move(filter);
  return {};
}

/// Makes a pattern absolute; what stands before it is no pattern.
Result<std::string> absolute_pattern(std::string_view pattern) {
  if (pattern.starts_with('/')) return std::string(pattern);
  std::size_t names = 0;  // where the leading "." and ".." end
  while (pattern.substr(names).starts_with("./") || pattern.substr(names).starts_with("../"))
    names = pattern.find('/', names) + 1;
  if (pattern.substr(names) == "." || pattern.substr(names) == "..") names = pattern.size();
  const Result<std::string> directory = absolute_path(names == 0 ? "." : pattern.substr(0, names));
  if (!directory) return directory;
  return literal_path(*directory) + "/" + std::string(pattern.substr(names));
}

Result<> RequestBuilder::add_rule(PathRule rule, std::string words) {
  Result<std::string> path = absolute_pattern(rule.path);
  if (!path) return in_field(std::move(words), path.error());
  rule.path = *std::move(path);
  runner().path_rules.push_back(std::move(rule));
  request_.rule_words.push_back(std::move(words));
  return {};
}

Result<> RequestBuilder::add_rules_of(const RuleFile& file) {
  const std::string words = "--deny-from " + file.path;
  const Result<std::string> contents = read_host_file(file.path);
  if (!contents) return in_field(words, contents.error());
  std::istringstream lines(*contents);
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.ends_with('\r')) line.pop_back();  // of a file with the line ends of Windows; no rule would match
    if (line.empty() || line.starts_with('#')) continue;
    const std::string place = words + ", line " + std::to_string(number);
    if (Result<> r = add_rule({.kind = PathRule::Kind::deny, .path = line}, place); !r) return r;
  }
  return {};
}

Result<> RequestBuilder::add_rules() {
  for (const auto& option : options_.rules) {
    const auto* rule = std::get_if<RuleOption>(&option);
    Result<> r = rule != nullptr ? add_rule(rule->rule, rule->words) : add_rules_of(std::get<RuleFile>(option));
    if (!r) return r;
  }
  return {};
}

void RequestBuilder::set_program() {
  runner().args = options_.program;
  if (options_.work_dir) runner().work_dir = *options_.work_dir;
  runner().pid1 = options_.pid1;
  runner().record_step_times = options_.timing == Timing::measured;
}

void RequestBuilder::set_environment() {
  std::vector<std::string>& environment = runner().env;
  const auto set = [&](std::string_view name, std::string entry) {
    std::erase_if(environment, [&](const std::string& e) {
      return e.starts_with(name) && e.size() > name.size() && e[name.size()] == '=';
    });
    environment.push_back(std::move(entry));
  };
  const auto keep = [&](const std::string& name) {
    if (const char* value = std::getenv(name.c_str()); value != nullptr) set(name, name + "=" + value);
  };
  environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/tmp"};
  for (const char* name : {"TERM", "LANG", "LC_ALL", "TZ"}) keep(name);
  for (const std::string& entry : options_.environment) {
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos)
      keep(entry);
    else
      set(std::string_view(entry).substr(0, equals), entry);
  }
}

void RequestBuilder::set_identity() {
  runner().uid_mappings = options_.uid_mappings;
  runner().gid_mappings = options_.gid_mappings;
  if (options_.uid)
    runner().credential = Credential{.uid = *options_.uid, .gid = options_.gid.value_or(*options_.uid), .groups = {}};
  runner().host_name = options_.host_name;
  runner().namespaces.net = options_.network == Network::loopback_only;
  runner().capabilities = options_.capabilities;
  runner().require = options_.require.value_or(Require::everything);
  runner().landlock = Landlock{.tcp_bind = options_.tcp_bind, .tcp_connect = options_.tcp_connect};
  if (options_.second_wall == SecondWall::none) runner().landlock = std::nullopt;
}

/// What a box gets unless it is asked for, or less where the caller has less.
struct UsualLimit {
  int resource;
  const char* option;
  rlim_t most;
};
constexpr UsualLimit kUsualLimits[] = {
    {RLIMIT_CORE, "--rlimit core", 0},         // a core dump would be written to wherever the host's core_pattern says
    {RLIMIT_NOFILE, "--rlimit nofile", 1024},  // the whole host can have so many only (fs.file-max)
    {RLIMIT_MEMLOCK, "--rlimit memlock", 64U << 10U},
    // And timers (timer_create(2)). Counted for the caller's user as well, whose other programs would have none left.
    {RLIMIT_SIGPENDING, "--rlimit sigpending", 1024},
};

Result<> RequestBuilder::set_limits() {
  runner().rlimits = options_.rlimits;
  const auto names = [&](int resource) {
    return std::ranges::find(options_.rlimits, resource, &ResourceLimit::resource) != options_.rlimits.end();
  };
  Limits& limits = runner().limits;
  if (options_.processes) limits.processes = options_.processes;
  limits.processes_exceeded = options_.processes_exceeded;
  if (options_.memory_bytes) limits.memory_bytes = options_.memory_bytes->value;
  limits.cpus = options_.cpus;
  limits.cpuset = options_.cpuset;
  limits.io_weight = options_.io_weight;
  limits.io = options_.io;
  limits.cgroup_parent = options_.cgroup_parent;
  limits.strictness = options_.strictness;
  if (names(RLIMIT_NPROC)) limits.processes = std::nullopt;
  if (options_.cpu_time) limits.cpu_time = options_.cpu_time->value;
  if (options_.wall_time) limits.wall_time = options_.wall_time->value;
  if (options_.output_bytes && !names(RLIMIT_FSIZE))
    runner().rlimits.push_back(
        {.resource = RLIMIT_FSIZE, .soft = options_.output_bytes->value, .hard = options_.output_bytes->value});
  for (const UsualLimit& usual : kUsualLimits) {
    if (names(usual.resource)) continue;
    rlimit own{};
    if (::getrlimit(static_cast<__rlimit_resource>(usual.resource), &own) != 0)
      return std::unexpected(
          Error{.field = usual.option, .action = "read the caller's own limit", .syscall = "prlimit64", .code = errno});
    const rlim_t hard = std::min(own.rlim_max, usual.most);
    runner().rlimits.push_back({.resource = usual.resource, .soft = std::min(own.rlim_cur, hard), .hard = hard});
  }
  return {};
}

}  // namespace

Result<Request> make_request(const Options& options) { return RequestBuilder(options).build(); }

}  // namespace pivotbox::cli
