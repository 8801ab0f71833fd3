// A small judge: compiles a solution in one box, runs it on the input in another, compares the output, prints a
// verdict.
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>

#include "pivotbox/pivotbox.h"

namespace {

using namespace std::chrono_literals;
using pivotbox::Outcome;

struct TemporaryDirectory {
  std::string path = std::filesystem::temp_directory_path() / "judge.XXXXXX";
  TemporaryDirectory() {
    if (mkdtemp(path.data()) == nullptr) throw std::system_error(errno, std::generic_category(), path);
  }
  ~TemporaryDirectory() {
    std::error_code ignored;  // a destructor has nobody to tell
    std::filesystem::remove_all(path, ignored);
  }
};

pivotbox::Result<std::string> read(const std::string& path) {
  const std::ifstream file(path);
  if (!file) return std::unexpected(pivotbox::Error{.action = "read " + path, .syscall = "open", .code = errno});
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

pivotbox::Result<Outcome> compile(std::string source, const std::string& directory) {
  auto mounts = pivotbox::host_root({.work_dir = ""});
  if (!mounts) return std::unexpected(mounts.error());
  mounts->push_back(pivotbox::mount::File{.target = "/source/solution.cc", .contents = std::move(source)});
  mounts->push_back(pivotbox::mount::Bind{directory, "/result", pivotbox::Access::read_write});
  const pivotbox::Runner runner{.args = {"g++", "-O1", "-o", "/result/solution", "/source/solution.cc"},
                                .env = {"PATH=/usr/bin:/bin"},
                                .mounts = *mounts,
                                .limits = {.wall_time = 30s}};
  return pivotbox::run(runner, {.error_limit_bytes = 1 << 20});
}

pivotbox::Result<Outcome> execute(const std::string& directory, const std::string& input) {
  auto mounts = pivotbox::host_root();
  if (!mounts) return std::unexpected(mounts.error());
  mounts->push_back(pivotbox::mount::Bind{directory + "/solution", "/solution"});
  const pivotbox::Runner runner{.args = {"/solution"}, .mounts = *mounts, .limits = {.wall_time = 1s}};
  return pivotbox::run(runner, {.standard_input = input, .output_limit_bytes = 4096});
}

std::string verdict(const Outcome& outcome, const std::string& answer) {
  switch (outcome.kind) {
    case Outcome::Kind::wall_time_exceeded:
    case Outcome::Kind::cpu_time_exceeded:
      return "time limit exceeded";
    case Outcome::Kind::memory_exceeded:
      return "memory limit exceeded";
    case Outcome::Kind::output_exceeded:
      return "output limit exceeded";
    case Outcome::Kind::processes_exceeded:
    case Outcome::Kind::disallowed_syscall:
      return "not allowed";
    case Outcome::Kind::signalled:
      return "killed by signal " + std::to_string(outcome.signal);
    case Outcome::Kind::exited:
      break;
  }
  if (outcome.exit_code != 0) return "exit code " + std::to_string(outcome.exit_code);
  return outcome.standard_output == answer ? "accepted" : "wrong answer";
}

int fail(const pivotbox::Error& error) {
  std::fprintf(stderr, "%s\n%s\n", error.message().c_str(), error.hint.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 4) return std::fprintf(stderr, "usage: judge SOLUTION.cc INPUT ANSWER\n"), 2;
  auto source = read(argv[1]);
  const auto input = read(argv[2]);
  const auto answer = read(argv[3]);
  for (const auto* file : {&std::as_const(source), &input, &answer})
    if (!*file) return fail(file->error());

  const TemporaryDirectory directory;
  const auto compiled = compile(std::move(*source), directory.path);
  if (!compiled) return fail(compiled.error());
  if (compiled->kind != Outcome::Kind::exited || compiled->exit_code != 0)
    return std::printf("compilation error\n%s", compiled->standard_error.c_str()), 0;
  const auto outcome = execute(directory.path, *input);
  if (!outcome) return fail(outcome.error());
  std::printf("%s\n", verdict(*outcome, *answer).c_str());
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
