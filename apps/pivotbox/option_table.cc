#include "option_table.h"

#include <algorithm>

#include "mount_options.h"
#include "text.h"

namespace pivotbox::cli {

namespace {

/// Puts a parsed value where it belongs, or hands on what is wrong with it.
template <class Destination, class T>
Parsed<> store(Destination& destination, Parsed<T> value) {
  if (!value) return std::unexpected(value.error());
  destination = *std::move(value);
  return {};
}

template <class T>
Parsed<> append(std::vector<T>& destination, Parsed<T> value) {
  if (!value) return std::unexpected(value.error());
  destination.push_back(*std::move(value));
  return {};
}

template <class T>
struct Word {
  std::string_view word;
  T meaning;
};

/// One of a few words.
template <class Destination, class T, std::size_t N>
Parsed<> choose(Destination& destination, std::string_view value, const std::array<Word<T>, N>& words) {
  std::array<std::string_view, N> names;
  for (std::size_t i = 0; i < N; ++i) {
    if (words[i].word == value) {
      destination = words[i].meaning;
      return {};
    }
    names[i] = words[i].word;
  }
  std::string known;
  for (const std::string_view name : names) known += (known.empty() ? "" : ", ") + std::string(name);
  return std::unexpected(quoted(value) + " is none of: " + known + suggestion(value, names));
}

constexpr std::array kNetworks = {Word{"none", Network::loopback_only}, Word{"host", Network::host}};
constexpr std::array kRequirements = {Word{"everything", Require::everything}, Word{"namespaces", Require::namespaces},
                                      Word{"landlock", Require::landlock}};
constexpr std::array kFirstProcesses = {Word{"init", Pid1::init}, Word{"program", Pid1::program}};
constexpr std::array kStrictnesses = {Word{"required", Strictness::required},
                                      Word{"best-effort", Strictness::best_effort}};
constexpr std::array kProcessesExceeded = {Word{"refuse", ProcessesExceeded::refuse},
                                           Word{"end-box", ProcessesExceeded::end_box}};
constexpr std::array kFormats = {Word{"text", ExplainFormat::text}, Word{"json", ExplainFormat::json},
                                 Word{"mermaid", ExplainFormat::mermaid}};

Parsed<> use_root_directory(Options& options, const Argument& argument) {
  if (options.root == DefaultRoot::none) return std::unexpected("contradicts --no-default-root");
  options.root = DefaultRoot::directory;
  options.root_directory = argument.value;
  return {};
}

Parsed<> use_no_root(Options& options, const Argument&) {
  if (options.root == DefaultRoot::directory) return std::unexpected("contradicts --root");
  if (options.tmpfs_size) return std::unexpected("contradicts --tmpfs-size");
  options.root = DefaultRoot::none;
  return {};
}

Parsed<> write_current_directory(Options& options, const Argument&) {
  if (options.current_directory == CurrentDirectory::absent) return std::unexpected("contradicts --no-cwd");
  options.current_directory = CurrentDirectory::read_write;
  return {};
}

Parsed<> leave_current_directory_out(Options& options, const Argument&) {
  if (options.current_directory == CurrentDirectory::read_write) return std::unexpected("contradicts --write-cwd");
  options.current_directory = CurrentDirectory::absent;
  return {};
}

Parsed<> set_environment(Options& options, const Argument& argument) {
  const std::size_t equals = argument.value.find('=');
  if (equals == 0 || equals == std::string_view::npos)
    return std::unexpected(quoted(argument.value) + " is not of the form NAME=VALUE");
  options.environment.emplace_back(argument.value);
  return {};
}

Parsed<> keep_environment(Options& options, const Argument& argument) {
  if (argument.value.contains('='))
    return std::unexpected(quoted(argument.value) + " is not a name; --setenv NAME=VALUE sets a value");
  options.environment.emplace_back(argument.value);
  return {};
}

Parsed<> set_host_name(Options& options, const Argument& argument) {
  constexpr std::size_t kLongest = 64;  // sethostname(2)
  if (argument.value.size() > kLongest) return std::unexpected("has more than 64 bytes");
  options.host_name = argument.value;
  return {};
}

/// A later limit for the same resource replaces the earlier one.
Parsed<> set_limit(Options& options, const Argument& argument) {
  const Parsed<ResourceLimit> limit = parse_resource_limit(argument.value);
  if (!limit) return std::unexpected(limit.error());
  std::erase_if(options.rlimits, [&](const ResourceLimit& earlier) { return earlier.resource == limit->resource; });
  options.rlimits.push_back(*limit);
  return {};
}

/// "none", or one more port.
Parsed<> add_port(std::optional<std::vector<std::uint16_t>>& ports, std::string_view value) {
  const bool none = value == "none";
  if (ports && ports->empty() != none)
    return std::unexpected(none ? "contradicts the ports before it" : "contradicts 'none' before it");
  if (!ports) ports.emplace();
  return none ? Parsed<>{} : append(*ports, parse_port(value));
}

/// With the words it was given in.
template <class T>
Parsed<> set_worded(std::optional<Limit<T>>& limit, const Argument& argument, const Parsed<T>& value) {
  if (!value) return std::unexpected(value.error());
  limit = Limit<T>{.value = *value, .words = std::string(argument.value)};
  return {};
}

/// Of the root's own; "--tmpfs DST:size=64M" says its own.
Parsed<> set_tmpfs_size(Options& options, const Argument& argument) {
  if (options.root == DefaultRoot::none) return std::unexpected("contradicts --no-default-root");
  return set_worded(options.tmpfs_size, argument, parse_size(argument.value));
}

template <PathRule::Kind kind>
Parsed<> add_rule(Options& options, const Argument& argument) {
  options.rules.emplace_back(RuleOption{.rule = {.kind = kind, .path = std::string(argument.value)},
                                        .words = std::string(argument.option) + " " + std::string(argument.value)});
  return {};
}

Parsed<> add_rule_file(Options& options, const Argument& argument) {
  options.rules.emplace_back(RuleFile{std::string(argument.value)});
  return {};
}

constexpr auto kOptions = std::to_array<Option>({
    {"--root", "DIR", Group::root, "an unpacked root file system, read-only, instead of the host's programs",
     use_root_directory},
    {"--no-default-root", "", Group::root, "an empty root: only the mounts given", use_no_root},
    {"--tmpfs-size", "SIZE", Group::root, "of /tmp and of /dev/shm each; 256M and 64M without this", set_tmpfs_size},
    {"--write-cwd", "", Group::root, "the current directory can be written (by root: what its owner owns)",
     write_current_directory},
    {"--no-cwd", "", Group::root, "the current directory is left out, and the program starts in /",
     leave_current_directory_out},

    {"--ro-bind", "SRC[:DST]", Group::mounts, "a host file or directory, read-only", add_read_only_bind},
    {"--bind", "SRC[:DST]", Group::mounts, "a host file or directory that can be written", add_bind},
    {"--tmpfs", "DST[:SETTINGS]", Group::mounts,
     "an empty directory in memory; SETTINGS: size=64M,inodes=16384,mode=0755", add_tmpfs},
    {"--dir", "DST[:mode=0755]", Group::mounts, "an empty directory", add_directory},
    {"--file", "HOSTFILE:DST[:mode=0644]", Group::mounts, "a copy of a host file", add_file},
    {"--symlink", "TEXT:DST", Group::mounts, "a symbolic link at DST that says TEXT", add_symlink},
    {"--mask", "DST", Group::mounts, "hides what is at DST: an empty file or directory", add_mask},
    {"--remount-ro", "DST", Group::mounts, "makes everything at and below DST read-only", add_read_only_remount},
    {"--proc", "DST[:SETTINGS]", Group::mounts,
     "the box's own procfs, read-only; SETTINGS: subset=pid,hidepid=invisible", add_proc},
    {"--dev", "DST", Group::mounts, "a minimal /dev", add_dev},
    {"--mqueue", "DST", Group::mounts, "the box's own POSIX message queues", add_mqueue},
    {"--overlay", "LOWER[:LOWER...]:DST", Group::mounts,
     "host directories as one, topmost first; changes are thrown away", add_discarding_overlay},
    {"--overlay-ro", "LOWER[:LOWER...]:DST", Group::mounts, "the same, read-only", add_read_only_overlay},
    {"--overlay-keep", "UPPER:WORK:LOWER[:LOWER...]:DST", Group::mounts,
     "the same, changes kept in UPPER; WORK is an empty directory beside it", add_keeping_overlay},

    {"--deny", "PATH", Group::rules, "hides it, whether or not it exists yet", add_rule<PathRule::Kind::deny>},
    {"--deny-existing", "PATH", Group::rules, "hides what matches now; new files may be made",
     add_rule<PathRule::Kind::deny_existing>},
    {"--deny-from", "FILE", Group::rules, "--deny for each line of FILE that is not empty and has no '#' first",
     add_rule_file},
    {"--read-only", "PATH", Group::rules, "takes write access away", add_rule<PathRule::Kind::read_only>},
    {"--write", "PATH", Group::rules, "gives write access, as far as the program's ids allow",
     add_rule<PathRule::Kind::write>},

    {"--chdir", "DIR", Group::program, "working directory, inside the box",
     [](Options& o, const Argument& a) { return store(o.work_dir, parse_absolute_path(a.value)); }},
    {"--setenv", "NAME=VALUE", Group::program, "sets a variable of the environment", set_environment},
    {"--keep-env", "NAME", Group::program, "keeps the caller's variable, if there is one", keep_environment},
    {"--pid1", "init|program", Group::program,
     "process 1 of the box: a tiny init (the default), or the program itself,\n"
     "to which SIGINT and SIGTERM then do nothing unless it handles them",
     [](Options& o, const Argument& a) { return choose(o.pid1, a.value, kFirstProcesses); }},

    {"--net", "none|host", Group::privileges, "only a loopback interface (the default), or the host's network",
     [](Options& o, const Argument& a) { return choose(o.network, a.value, kNetworks); }},
    {"--hostname", "NAME", Group::privileges, "name of the host inside the box", set_host_name},
    {"--uid", "ID", Group::privileges, "user id of the program inside; the group id too without --gid",
     [](Options& o, const Argument& a) { return store(o.uid, parse_id(a.value)); }},
    {"--gid", "ID", Group::privileges, "group id of the program inside; needs --uid",
     [](Options& o, const Argument& a) { return store(o.gid, parse_id(a.value)); }},
    {"--uid-map", "INSIDE:HOST[:COUNT]", Group::privileges, "maps user ids; may be repeated, needs --gid-map",
     [](Options& o, const Argument& a) { return append(o.uid_mappings, parse_mapping(a.value)); }},
    {"--gid-map", "INSIDE:HOST[:COUNT]", Group::privileges, "maps group ids; may be repeated, needs --uid-map",
     [](Options& o, const Argument& a) { return append(o.gid_mappings, parse_mapping(a.value)); }},
    {"--cap-keep", "NAME", Group::privileges, "a capability the program keeps inside its box: net_bind_service",
     [](Options& o, const Argument& a) { return append(o.capabilities, parse_capability(a.value)); }},
    {"--watch-denials", "", Group::privileges, "tells each refused system call on standard error, as it happens",
     [](Options& o, const Argument&) { return store(o.watching, Parsed<Watching>(Watching::denials)); }},
    {"--policy", "NAME|FILE", Group::privileges,
     "which system calls are allowed: default, compute, compute-threads,\nnone (weakens the box), or a policy file",
     [](Options& o, const Argument& a) { return store(o.policy, Parsed<std::string>(a.value)); }},
    {"--no-landlock", "", Group::privileges, "no Landlock, the second wall around files; weakens the box",
     [](Options& o, const Argument&) { return store(o.second_wall, Parsed<SecondWall>(SecondWall::none)); }},
    {"--tcp-bind", "PORT|none", Group::privileges, "Landlock lets the program bind to this TCP port; may be repeated",
     [](Options& o, const Argument& a) { return add_port(o.tcp_bind, a.value); }},
    {"--tcp-connect", "PORT|none", Group::privileges, "the same for connecting to a TCP port, with --net host",
     [](Options& o, const Argument& a) { return add_port(o.tcp_connect, a.value); }},
    {"--require", "everything|namespaces|landlock", Group::privileges,
     "walls that must stand: with 'namespaces' Landlock may be missing, with 'landlock'\n"
     "namespaces, if they cannot be made",
     [](Options& o, const Argument& a) { return choose(o.require, a.value, kRequirements); }},

    {"--timeout", "TIME", Group::limits, "kills everything in the box after 500ms, 2s, 1.5m, 1h",
     [](Options& o, const Argument& a) { return set_worded(o.wall_time, a, parse_duration(a.value)); }},
    {"--cpu-time", "TIME", Group::limits, "the same after that much CPU time of all its processes",
     [](Options& o, const Argument& a) { return set_worded(o.cpu_time, a, parse_duration(a.value)); }},
    {"--output-limit", "SIZE", Group::limits,
     "of standard output, standard error and each file: ends the program at 64M",
     [](Options& o, const Argument& a) { return set_worded(o.output_bytes, a, parse_size(a.value)); }},
    {"--pids", "N", Group::limits, "processes and threads of the program at any one time; 1024 without this",
     [](Options& o, const Argument& a) { return store(o.processes, parse_process_count(a.value)); }},
    {"--pids-exceeded", "refuse|end-box", Group::limits,
     "one more than that: fork fails (the default), or everything in the box is killed",
     [](Options& o, const Argument& a) { return choose(o.processes_exceeded, a.value, kProcessesExceeded); }},
    {"--memory", "SIZE", Group::limits, "memory of the whole box, without swap: 256M, 2G",
     [](Options& o, const Argument& a) { return set_worded(o.memory_bytes, a, parse_size(a.value)); }},
    {"--cpus", "N", Group::limits, "CPU time per time, in CPUs: 0.5 is half of one",
     [](Options& o, const Argument& a) { return store(o.cpus, parse_cpus(a.value)); }},
    {"--cpuset", "LIST", Group::limits, "the CPUs it may run on: 0-1,4",
     [](Options& o, const Argument& a) { return store(o.cpuset, Parsed<std::string>(a.value)); }},
    {"--io-weight", "N", Group::limits, "share of the disks' time, 1 to 10000; everybody has 100",
     [](Options& o, const Argument& a) { return store(o.io_weight, parse_io_weight(a.value)); }},
    {"--io-limit", "DEVICE:SETTINGS", Group::limits,
     "bandwidth of a disk; SETTINGS: rbps=10M,wbps=10M,riops=100,wiops=100",
     [](Options& o, const Argument& a) { return append(o.io, parse_io_limit(a.value)); }},
    {"--cgroup-parent", "DIR", Group::limits, "the control group to make the box's in, instead of the caller's own",
     [](Options& o, const Argument& a) { return store(o.cgroup_parent, parse_absolute_path(a.value)); }},
    {"--limits", "required|best-effort", Group::limits,
     "a limit that cannot be applied is an error (the default), or left out: weaker",
     [](Options& o, const Argument& a) { return choose(o.strictness, a.value, kStrictnesses); }},
    {"--rlimit", "NAME=SOFT[:HARD]", Group::limits,
     "a limit of setrlimit(2): nofile=64 (default 1024), as=1G, cpu=10, fsize=unlimited", set_limit},

    {"--report", "FILE|-", Group::results, "one JSON record of what happened, to a file or standard output",
     [](Options& o, const Argument& a) { return store(o.report, Parsed<std::string>(a.value)); }},
    {"--timing", "", Group::results, "time of each step of the launch, in the report or on standard error",
     [](Options& o, const Argument&) { return store(o.timing, Parsed<Timing>(Timing::measured)); }},
    {"--output", "FILE", Group::results, "where 'learn' writes the policy: learned.policy if it is not said",
     [](Options& o, const Argument& a) { return store(o.learned_policy, Parsed<std::string>(a.value)); }},
    {"--format", "text|json|mermaid", Group::results, "how 'explain' writes the steps",
     [](Options& o, const Argument& a) { return choose(o.format, a.value, kFormats); }},

    {"--help", "", Group::information, "this screen; also -h",
     [](Options& o, const Argument&) { return store(o.verb, Parsed<Verb>(Verb::help)); }},
    {"--version", "", Group::information, "the version",
     [](Options& o, const Argument&) { return store(o.verb, Parsed<Verb>(Verb::version)); }},
});

}  // namespace

std::span<const Option> option_table() { return kOptions; }

const Option* find_option(std::string_view name) {
  const auto found = std::ranges::find(kOptions, name, &Option::name);
  return found == kOptions.end() ? nullptr : &*found;
}

}  // namespace pivotbox::cli
