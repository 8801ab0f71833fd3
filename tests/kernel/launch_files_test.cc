// What start() promises about the program's descriptors and about the file that is executed.

#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "act.h"
#include "box.h"

namespace pivotbox {
namespace {

using act::finish;
using act::in_forked_host;
using act::kBothPid1;
using act::make_pipe;
using act::runner;
using act::text_of;

Fd memory_file() { return Fd::adopt(::memfd_create("test", MFD_CLOEXEC)); }

TEST(LaunchFiles, RepeatsPermutationsAndGaps) {
  for (const Pid1 pid1 : kBothPid1) {
    act::Pipe report = make_pipe();
    const Fd a = memory_file();
    const Fd b = memory_file();
    const auto [low, high] = std::minmax({a.get(), b.get()});
    Runner box = runner({"files"}, pid1);
    box.files.assign(static_cast<std::size_t>(high) + 2, Runner::kClosed);
    box.files[1] = report.write.get();
    box.files[static_cast<std::size_t>(low)] = high;
    box.files[static_cast<std::size_t>(high)] = low;
    box.files[static_cast<std::size_t>(high) + 1] = low;
    EXPECT_EQ(text_of(finish(box)), "exited 0");
    report.write.reset();
    const auto entry = [](int number, int source) {
      return std::to_string(number) + "=" + act::inode_of(source) + " ";
    };
    EXPECT_EQ(act::read_to_end(report.read.get()),
              entry(1, report.read.get()) + entry(low, high) + entry(high, low) + entry(high + 1, low));
  }
}

TEST(LaunchFiles, AClosedOneIsRefusedAndNothingOfTheLibrarysTakesItsPlace) {
  // Not open, and low enough to be the next that anything gets.
  const int closed = ::dup(0);
  ASSERT_GE(closed, 0);
  ::close(closed);
  const Runner box = runner({"exit"});
  const std::pair<const char*, std::function<void(Runner&)>> cases[] = {
      {"files[3]", [&](Runner& r) { r.files = {0, 1, 2, closed}; }},
      {"exec_fd", [&](Runner& r) { r.exec_fd = closed; }},
      {"cgroup_fd", [&](Runner& r) { r.cgroup_fd = closed; }},
      {"controlling_terminal", [&](Runner& r) { r.controlling_terminal = closed; }}};
  for (const auto& [field, name] : cases) {
    Runner bad = box;
    name(bad);
    const Result<Process> started = bad.start();
    ASSERT_FALSE(started) << field;
    EXPECT_EQ(started.error().field, field);
    EXPECT_EQ(started.error().code, EBADF) << field;
    const Result<Outcome> collected = run(bad);
    ASSERT_FALSE(collected) << field;
    EXPECT_EQ(collected.error().field, field) << "not the pipes of run() either";
  }
}

TEST(LaunchFiles, TheHostsOwnStandardOnesMayBeClosed) {
  for (const Pid1 pid1 : kBothPid1)
    EXPECT_EQ(in_forked_host([&]() -> std::string {
                for (int i = 0; i < 3; ++i) ::close(i);
                // Whatever the library opens now gets the numbers 0, 1 and 2.
                const Result<Outcome> outcome = run(runner({"cat"}, pid1), {.standard_input = "through"});
                if (!outcome || outcome->standard_output != "through") return text_of(outcome);
                Runner box = runner({"files"}, pid1);
                box.files = {};
                return text_of(finish(box)) == "exited 0" ? "" : "no files: " + text_of(finish(box));
              }),
              "");
}

TEST(LaunchFiles, ExecFdRunsWhatNoMountShows) {
  for (const Pid1 pid1 : kBothPid1) {
    const Fd program = Fd::adopt(::open(PIVOTBOX_TEST_PROGRAMS "/act", O_RDONLY | O_CLOEXEC));
    Runner box = runner({"exit", "5"}, pid1);
    box.mounts.clear();
    box.exec_fd = program.get();
    EXPECT_EQ(text_of(finish(box)), "exited 5");
  }
}

int init_image_of_the_library() {
  for (int descriptor = 3; descriptor < 1024; ++descriptor) {
    std::error_code closed;
    const auto target = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(descriptor), closed);
    if (!closed && target.string().starts_with("/memfd:pivotbox-init")) return descriptor;
  }
  return -1;
}

TEST(LaunchFiles, TheInitImageCannotBeWrittenByTheBoxThatExecutesIt) {
  EXPECT_EQ(text_of(finish(runner({"exit", "5"}, Pid1::init))), "exited 5");
  EXPECT_EQ(::fcntl(init_image_of_the_library(), F_GET_SEALS),
            F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
}

TEST(LaunchFiles, AnotherFileUnderTheNumberOfTheInitImageIsNotExecuted) {
  EXPECT_EQ(text_of(finish(runner({"exit", "5"}, Pid1::init))), "exited 5");
  const int image = init_image_of_the_library();
  ASSERT_GE(image, 0);
  const Fd other = Fd::adopt(::open("/bin/true", O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::dup3(other.get(), image, O_CLOEXEC), image);
  EXPECT_EQ(text_of(finish(runner({"exit", "5"}, Pid1::init))), "exited 5");
  EXPECT_NE(init_image_of_the_library(), image);
  ::close(image);
}

TEST(LaunchFiles, AScriptByDescriptorIsRefusedWithTheReason) {
  const Fd script = memory_file();
  ASSERT_EQ(::dprintf(script.get(), "#!/bin/sh\n"), 10);
  for (const Pid1 pid1 : kBothPid1) {
    Runner box = runner({"script"}, pid1);
    box.exec_fd = script.get();
    const Error error = box::error_of(box);
    EXPECT_EQ(error.field, "exec_fd");
    EXPECT_EQ(error.code, ENOENT) << error.message();
    EXPECT_TRUE(error.hint.starts_with("a script cannot")) << error.hint;
  }
}

TEST(LaunchFiles, ADescriptorThatStaysOpenAcrossExecIsNotSeenInside) {
  const Fd root = Fd::adopt(::open("/", O_RDONLY | O_DIRECTORY));
  for (const Pid1 pid1 : kBothPid1) {
    Runner box = runner({"files"}, pid1);
    const std::string open_inside = act::output_of(box);
    EXPECT_EQ(std::ranges::count(open_inside, '='), 3) << open_inside;
    EXPECT_FALSE(open_inside.contains("=" + act::inode_of(root.get()) + " ")) << open_inside;
  }
}

TEST(LaunchFiles, TheWorkingDirectoryCannotBeReachedThroughADescriptor) {
  const Fd root = Fd::adopt(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (const Pid1 pid1 : kBothPid1)
    for (const char* place : {"/proc/self/fd/3", "/proc/self/fd/3/usr", "/proc/self/cwd", "/proc/1/root"}) {
      Runner box = runner({"exit"}, pid1);
      box.files = {0, 1, 2, root.get()};
      box.mounts.emplace_back(mount::Proc{});
      box.work_dir = place;
      const Error error = box::error_of(box);
      EXPECT_EQ(error.kind, Error::Kind::setup) << text_of(error);
      EXPECT_EQ(error.field, "work_dir");
      EXPECT_TRUE(error.code == ELOOP || error.code == EACCES || error.code == ENOENT) << text_of(error);
    }
}

/// Copies `from` as anybody would who knows nothing of other threads.
void copy_program(const std::string& from, const std::string& to) {
  const Fd source = Fd::adopt(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  const Fd target = Fd::adopt(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755));
  std::array<char, 65536> block;
  for (ssize_t got; (got = ::read(source.get(), block.data(), block.size())) > 0;)
    ASSERT_EQ(::write(target.get(), block.data(), static_cast<std::size_t>(got)), got);
}

TEST(LaunchFiles, AProgramJustWrittenIsNotBusy) {
  const box::HostDirectory directory;
  std::atomic<bool> over = false;
  std::vector<std::string> wrong[4];
  std::vector<std::jthread> writers;
  std::vector<std::jthread> others;
  for (int i = 0; i < 2; ++i)
    others.emplace_back([&] {
      while (!over) static_cast<void>(finish(runner({"exit"})));
    });
  for (int i = 0; i < 4; ++i)
    writers.emplace_back([&, i] {
      for (int n = 0; n < 25; ++n) {
        const std::string name = std::to_string(i) + "." + std::to_string(n);
        copy_program(PIVOTBOX_TEST_PROGRAMS "/tiny", directory / name);
        Runner box = runner({});
        box.args = {"/written/" + name};
        box.mounts = {mount::Bind{.source = directory.path(), .target = "/written"}};
        if (const std::string got = text_of(finish(box)); got != "exited 0") wrong[i].push_back(got);
      }
    });
  for (std::jthread& writer : writers) writer.join();
  over = true;
  others.clear();
  for (const auto& list : wrong) EXPECT_THAT(list, testing::IsEmpty());
}

}  // namespace
}  // namespace pivotbox
