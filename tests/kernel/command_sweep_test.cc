// Every system call of `pivotbox run` fails in turn, or its caller is killed: the command's own and its threads', the
// child's before it executes, init's. Either nothing is different, limits and walls included, or the command says what
// failed, on standard error and in the report. Nothing hangs, nothing is left.

#include <algorithm>
#include <regex>

#include "box.h"
#include "supervisor.h"

namespace pivotbox {
namespace {

using act::Answer;
using act::HostNotes;
using act::SupervisedCall;
using act::Supervisor;

constexpr int kKill = 0;
constexpr int kFaults[] = {EPERM, ENOMEM, EMFILE, EAGAIN, EINTR, kKill};
constexpr int kSandboxFailed = 125;
constexpr int kNotExecutable = 126;

std::string contents_of(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

struct Scenario {
  std::vector<std::string> options;
  std::vector<std::string> program;
  int status = 0;
  bool only_while_program_runs = false;  ///< the launch is another scenario's
  std::size_t share = 1;                 ///< of the calls one in so many is enough, unless all are asked for
};

std::vector<std::string> operator+(std::vector<std::string> words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

/// The limits that the kernel keeps for a process: rlimits, and those of its control groups.
std::string limits_of(pid_t pid) {
  const std::string process = "/proc/" + std::to_string(pid);
  std::string text = contents_of(process + "/limits");
  std::istringstream groups(contents_of(process + "/cgroup"));
  for (std::string number, controllers, path;
       std::getline(groups, number, ':') && std::getline(groups, controllers, ':') && std::getline(groups, path);)
    for (const char* file : {"pids.max", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.max"})
      for (const std::string& hierarchy : {"/" + controllers, std::string("/unified"), std::string()})
        if (path != "/") text += contents_of("/sys/fs/cgroup" + hierarchy + path + "/" + file);
  return text;
}

/// The call to fail; none in a run that is only looked at.
struct Target {
  SupervisedCall call;
  int code;
};

/// One run of the command, in a directory of its own, and all it left.
class CommandRun {
 public:
  CommandRun(const Scenario& scenario, const std::optional<Target>& target) : target_(target) {
    const box::HostDirectory directory;
    const std::string data = directory.make_directory("data");
    const std::string current = directory.make_directory("current");
    for (const std::string& shown : {data, current}) std::filesystem::permissions(shown, std::filesystem::perms::all);
    const std::string report_file = directory / "report.json";
    std::vector<std::string> words = {PIVOTBOX_TEST_COMMAND, "run", "--no-default-root", "--ro-bind",
                                      PIVOTBOX_TEST_PROGRAMS ":/programs"};
    words = words + scenario.options + std::vector<std::string>{"--report", report_file, "--"} + scenario.program;
    const std::regex data_word("DATA");
    const std::regex current_word("CURRENT");
    for (std::string& word : words)
      word = std::regex_replace(std::regex_replace(word, data_word, data), current_word, current);
    // The message names the directories.
    act::Pipe output = act::make_pipe();
    act::Pipe error = act::make_pipe();
    Supervisor supervisor;
    supervisor.on_call = [&](const SupervisedCall& call) { return answer(call); };
    HostNotes notes;
    end_ = supervisor.supervise(notes, [&] {
      HostNotes::mark(0);
      become_command(words, current, output.write.get(), error.write.get());
    });
    status_ = supervisor.host_status();
    output.write.reset();
    error.write.reset();
    output_ = act::read_to_end(output.read.get());
    errors_ = without_addresses(without(act::read_to_end(error.read.get()), directory.path()));
    report_ = without(contents_of(report_file), directory.path());
    std::filesystem::remove(report_file);
    note_what_is_left(directory.path());
  }

  [[nodiscard]] const std::vector<SupervisedCall>& calls() const { return calls_; }
  [[nodiscard]] std::size_t calls_before_program() const { return calls_before_program_; }
  [[nodiscard]] bool was_killed() const { return WIFSIGNALED(status_) && WTERMSIG(status_) == SIGKILL; }
  /// It aborts when a thread cannot be set up or waited for.
  [[nodiscard]] bool libc_gave_up() const {
    return happened_ && (target_->call.number == SYS_rseq || target_->call.number == SYS_futex) &&
           WIFSIGNALED(status_) && WTERMSIG(status_) == SIGABRT;
  }
  [[nodiscard]] int exit_status() const { return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1; }
  [[nodiscard]] bool hangs() const { return end_.contains("[hangs]"); }
  [[nodiscard]] const std::set<std::string>& left() const { return left_; }
  [[nodiscard]] const std::string& errors() const { return errors_; }
  [[nodiscard]] const std::string& report() const { return report_; }

  /// What is the same each time.
  [[nodiscard]] std::string verdict() const {
    std::string text = end_ + "\n" + output_ + "\n" + errors_ + "\n" + limits_ + "\n";
    // Numbers are measured; the walls and the verdict are not.
    const std::regex constants(
        R"re("(status|exit_code|strength|unapplied_limits)":("[^"]*"|\{[^}]*\}|\[[^\]]*\]|\w+))re");
    for (std::sregex_iterator member(report_.begin(), report_.end(), constants), last; member != last; ++member)
      text += member->str() + "\n";
    return text;
  }

  /// A line of standard error, and the report, name the fault.
  [[nodiscard]] bool tells_fault() const {
    const int call = target_->call.number;
    // pthread_create(3) has one error for all.
    const int code = target_->code;
    if (call == SYS_faccessat2 && errors_.contains("needs the cgroup controller")) return true;
    const bool by_libc = call == SYS_clone3 || call == SYS_mprotect || call == SYS_mmap;
    if (by_libc && code == ENOMEM && errors_.contains(std::strerror(EAGAIN))) return true;
    if (code == kKill)
      return errors_.contains("killed by signal 9") || errors_.contains("init ended") ||
             errors_.contains("sandbox lost");
    return errors_.contains(std::strerror(code)) || errors_.contains("sandbox lost");
  }

  /// Standard error could not be written, so the report alone tells.
  [[nodiscard]] bool lost_its_voice() const {
    return target_->call.number == SYS_write && target_->call.arguments[0] == STDERR_FILENO && is_whole(report_);
  }

  [[nodiscard]] bool report_agrees() const {
    if (errors_.contains("pivotbox: no report")) return !is_whole(report_) || errors_.contains("standard error");
    if (errors_.contains("pivotbox: a standard descriptor is missing")) return report_.empty();
    return is_whole(report_) && report_.contains("\"status\":\"setup_failed\"");
  }

  /// Where no group can be had for them, a limit of setrlimit(2) bounds the processes.
  [[nodiscard]] bool bounds_processes_otherwise() const {
    return target_->call.number == SYS_faccessat2 && std::regex_search(limits_, std::regex("Max processes +20 +20 "));
  }

  /// With the best effort, CPU time of which not even an approximation can be had is not limited, and that is said.
  [[nodiscard]] bool says_what_is_not_limited() const {
    constexpr const char* kCpuTime = "limits.cpu_time: needs the cgroup controller";
    const std::size_t at = report_.find(kCpuTime);
    return at != std::string::npos && !report_.substr(at, report_.find('"', at) - at).contains("approximately");
  }

  /// Nothing, or all of it: a part cannot be read as JSON.
  [[nodiscard]] static bool is_whole(const std::string& report) { return report.ends_with("}\n"); }

  [[nodiscard]] std::string text() const {
    return "end " + end_ + "\nexit status " + std::to_string(exit_status()) + "\noutput " + output_ + "\nerrors " +
           errors_ + "\nreport " + report_ + (happened_ ? "" : "\n(was not called)");
  }
  [[nodiscard]] bool happened() const { return happened_; }
  [[nodiscard]] bool program_ran() const { return !limits_.empty(); }

 private:
  [[noreturn]] static void become_command(const std::vector<std::string>& words, const std::string& directory,
                                          int output, int error) {
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    ::dup2(::open("/dev/null", O_RDWR | O_CLOEXEC), STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(error, STDERR_FILENO);
    ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    if (::chdir(directory.c_str()) == 0) ::execv(arguments[0], arguments.data());
    ::_exit(1);
  }

  Answer answer(const SupervisedCall& call) {
    if (call.process == 0) command_ = call.pid;
    // What the dynamic linker does before main() is not the command's.
    begun_ = begun_ || (call.number == SYS_fcntl && call.arguments[0] == 0 && call.arguments[1] == F_GETFD);
    if (!begun_) return {};
    if (executed_.contains(call.process)) {
      if (limits_.empty()) limits_ = limits_of(call.pid);
      return {};
    }
    // brk(2) answers with where the break is, never with an errno.
    if (call.number != SYS_brk) calls_.push_back(call);
    if (call.number == SYS_execve) {
      executed_.insert(call.process);
      calls_before_program_ = calls_.size();
    }
    if (!target_ || call.process != target_->call.process || call.number != target_->call.number ||
        call.nth != target_->call.nth)
      return {};
    happened_ = true;
    if (target_->code == kKill) return {.kind = Answer::Kind::kill};
    if (call.number == SYS_execve) executed_.erase(call.process);
    return {.kind = Answer::Kind::fail, .code = target_->code};
  }

  static std::string without(const std::string& text, const std::string& directory) {
    return std::regex_replace(text, std::regex(directory), "DIRECTORY");
  }

  static std::string without_addresses(const std::string& text) {
    return std::regex_replace(text, std::regex("0x7[0-9a-f]+"), "ADDRESS");
  }

  void note_what_is_left(const std::string& directory) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory))
      if (const std::string name = entry.path().filename(); name != "data" && name != "current")
        left_.insert(entry.path());
    const std::string prefix = "pivotbox-" + std::to_string(command_) + "-";
    std::error_code gone;
    for (std::filesystem::recursive_directory_iterator
             entry("/sys/fs/cgroup", std::filesystem::directory_options::skip_permission_denied, gone),
         end;
         !gone && entry != end; entry.increment(gone))
      if (entry->is_directory(gone) && entry->path().filename().string().starts_with(prefix))
        left_.insert(entry->path());
  }

  std::optional<Target> target_;
  bool begun_ = false;
  bool happened_ = false;
  std::set<int> executed_;
  std::vector<SupervisedCall> calls_;
  std::size_t calls_before_program_ = 0;
  pid_t command_ = -1;
  std::string end_;
  int status_ = -1;
  std::string output_;
  std::string errors_;
  std::string report_;
  std::string limits_;
  std::set<std::string> left_;
};

void expect_right(const CommandRun& run, const CommandRun& without, const Scenario& scenario) {
  EXPECT_FALSE(run.hangs());
  EXPECT_TRUE(run.report().empty() || CommandRun::is_whole(run.report()) ||
              run.errors().contains("pivotbox: no report"))
      << run.text();
  if (run.was_killed() || run.libc_gave_up()) {
    // Nobody is left who could: the next run does it.
    const CommandRun next(scenario, std::nullopt);
    EXPECT_EQ(next.verdict(), without.verdict());
    for (const std::string& path : run.left()) EXPECT_FALSE(std::filesystem::exists(path)) << path;
    return;
  }
  EXPECT_TRUE(run.left().empty()) << *run.left().begin();
  if (run.exit_status() == scenario.status && run.verdict() == without.verdict()) return;
  EXPECT_TRUE(run.happened()) << run.text();
  if (run.exit_status() == scenario.status &&
      (run.lost_its_voice() || run.bounds_processes_otherwise() || run.says_what_is_not_limited()))
    return;
  EXPECT_TRUE(run.exit_status() == kSandboxFailed || (run.exit_status() == kNotExecutable && !run.program_ran()))
      << run.text();
  EXPECT_TRUE(run.errors().contains("pivotbox: ") && run.tells_fault()) << run.text();
  EXPECT_TRUE(run.report_agrees()) << run.text();
}

/// In a row of the same calls, the first and the last are enough.
bool is_inside_a_row(const std::vector<SupervisedCall>& calls, std::size_t i) {
  const auto same = [&](std::size_t a, std::size_t b) {
    return b < calls.size() && calls[a].process == calls[b].process && calls[a].number == calls[b].number;
  };
  return i > 0 && same(i - 1, i) && same(i, i + 1);
}

std::vector<std::string> walls_program() {
  std::vector<std::string> words = {"/programs/walls", "init"};
  for (const char* name : {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"})
    words.push_back(std::filesystem::read_symlink(std::string("/proc/self/ns/") + name));
  return words + std::vector<std::string>{"/scratch", "/data", "CURRENT"};
}

std::vector<std::string> everything() {
  std::vector<std::string> words = {"--proc",      "/proc",          "--tmpfs", "/scratch",  "--bind", "DATA:/data",
                                    "--write-cwd", "--chdir",        "/",       "--rlimit",  "core=0", "--pids",
                                    "20",          "--memory",       "64M",     "--timeout", "20s",    "--cpu-time",
                                    "10s",         "--output-limit", "10k"};
  if (!box::is_root()) words.insert(words.end(), {"--limits", "best-effort"});
  return words;
}

Scenario every_wall() { return {.options = everything(), .program = walls_program()}; }

Scenario watched_denials() {
  return {
      .options = everything() + std::vector<std::string>{"--watch-denials"}, .program = walls_program(), .share = 3};
}

Scenario time_limit() {
  return {.options = {"--timeout", "50ms"},
          .program = {"/programs/act", "stay"},
          .status = 124,
          .only_while_program_runs = true};
}

Scenario output_limit() {
  return {.options = {"--output-limit", "5k"},
          .program = {"/programs/act", "fill", "1000000"},
          .status = 122,
          .only_while_program_runs = true};
}

struct NamedScenario {
  const char* name;
  Scenario (*make)();
};

class FaultSweepOfTheCommand : public testing::TestWithParam<std::tuple<NamedScenario, std::size_t>> {};

/// Each fault for a sixth of the calls; with PIVOTBOX_ALL_FAULTS for all of them.
TEST_P(FaultSweepOfTheCommand, EveryCallFailsInTurn) {
  REQUIRE_NO_SANITIZER();
  const bool all = ::getenv("PIVOTBOX_ALL_FAULTS") != nullptr;
  const auto& [named, fault] = GetParam();
  const Scenario scenario = named.make();
  const int code = kFaults[fault];
  const std::string mounts = contents_of("/proc/self/mountinfo");
  const CommandRun without(scenario, std::nullopt);
  ASSERT_EQ(without.exit_status(), scenario.status) << without.text();
  ASSERT_TRUE(without.left().empty()) << *without.left().begin();
  ASSERT_TRUE(without.program_ran());
  const std::vector<SupervisedCall>& calls = without.calls();
  for (std::size_t i = scenario.only_while_program_runs ? without.calls_before_program() : 0; i < calls.size(); ++i) {
    const bool is_chosen = i % std::size(kFaults) == fault && i / std::size(kFaults) % scenario.share == 0;
    if (act::cannot_fail(calls[i].number) || (!all && (is_inside_a_row(calls, i) || !is_chosen))) continue;
    SCOPED_TRACE("process " + std::to_string(calls[i].process) + ", " + std::string(syscall_name(calls[i].number)) +
                 " no. " + std::to_string(calls[i].nth + 1));
    expect_right(CommandRun(scenario, Target{.call = calls[i], .code = code}), without, scenario);
  }
  EXPECT_EQ(contents_of("/proc/self/mountinfo"), mounts);
}

std::string name_of(const testing::TestParamInfo<FaultSweepOfTheCommand::ParamType>& tested) {
  const int code = kFaults[std::get<1>(tested.param)];
  return std::string(std::get<0>(tested.param).name) + "_" + (code == kKill ? "SIGKILL" : strerrorname_np(code));
}

constexpr NamedScenario kScenarios[] = {{"every_wall", every_wall},
                                        {"watched_denials", watched_denials},
                                        {"time_limit", time_limit},
                                        {"output_limit", output_limit}};

INSTANTIATE_TEST_SUITE_P(Command, FaultSweepOfTheCommand,
                         testing::Combine(testing::ValuesIn(kScenarios),
                                          testing::Range(std::size_t{0}, std::size(kFaults))),
                         name_of);

}  // namespace
}  // namespace pivotbox
