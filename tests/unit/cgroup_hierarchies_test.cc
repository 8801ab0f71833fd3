// Which control group hierarchies there are, and where the caller is in them, from the kernel's texts.

#include "cgroup/hierarchies.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cgroup/group_files.h"
#include "cgroup/settings.h"
#include "cgroup/usage.h"
#include "scratch_directory.h"

namespace pivotbox::cgroup {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// ---- hierarchies

TEST(Hierarchies, Version2OfASystemdSession) {
  EXPECT_THAT(parse_hierarchies("24 1 0:21 / / rw - ext4 /dev/sda1 rw\n"
                                "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n",
                                "0::/user.slice/user-1000.slice/session-3.scope\n"),
              ElementsAre(Hierarchy{.version = Version::v2,
                                    .controllers = {},
                                    .mount_point = "/sys/fs/cgroup",
                                    .own = "/user.slice/user-1000.slice/session-3.scope"}));
}

TEST(Hierarchies, Version1WithControllersTogetherAndANamedOne) {
  EXPECT_THAT(
      parse_hierarchies("31 23 0:28 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755\n"
                        "32 31 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
                        "33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
                        "34 31 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
                        "5:memory:/a b\n4:cpu,cpuacct:/\n3:pids:/x\n1:name=systemd:/user\n"),
      ElementsAre(
          Hierarchy{
              .version = Version::v1, .controllers = {"memory"}, .mount_point = "/sys/fs/cgroup/memory", .own = "/a b"},
          Hierarchy{.version = Version::v1,
                    .controllers = {"cpu", "cpuacct"},
                    .mount_point = "/sys/fs/cgroup/cpu,cpuacct",
                    .own = ""}));
}

TEST(Hierarchies, BothVersionsAtOnce) {
  const std::vector<Hierarchy> found = parse_hierarchies(
      "34 31 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
      "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
      "4:memory:/process\n0::/\n");
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].own_directory(), "/sys/fs/cgroup/memory/process");
  EXPECT_EQ(found[1].version, Version::v2);
  EXPECT_EQ(found[1].own_directory(), "/sys/fs/cgroup/unified");
}

// A container sees its own part, sometimes without a cgroup namespace of its own.
TEST(Hierarchies, AContainerIsBelowTheRootOfItsMount) {
  const std::vector<Hierarchy> found = parse_hierarchies(
      "50 49 0:31 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
      "51 49 0:32 /docker/abc /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids\n"
      "52 49 0:33 /docker/abc /odd\\040place\\134x ro - cgroup2 cgroup rw\n",
      "4:memory:/docker/abc\n3:pids:/docker/abcdef\n0::/docker/abc/inner\n");
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].own_directory(), "/sys/fs/cgroup/memory");
  EXPECT_EQ(found[1].own_directory(), "/odd place\\x/inner");
}

TEST(Hierarchies, WhatCannotBeReachedIsLeftOut) {
  const std::string mount = "30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
  for (const char* group : {"0::/../outside\n", "0::/gone (deleted)\n", "", "garbage\n"})
    EXPECT_THAT(parse_hierarchies(mount, group), IsEmpty()) << group;
  for (const char* broken : {"", "30 24 0:26 / /sys/fs/cgroup rw cgroup2 cgroup2 rw\n", "30 - cgroup2 x rw\n"})
    EXPECT_THAT(parse_hierarchies(broken, "0::/\n"), IsEmpty()) << broken;
}

// ---- usage

TEST(CgroupUsage, ReadsTheKernelsFormats) {
  EXPECT_EQ(value_of("low 0\nhigh 0\nmax 7\noom 2\noom_kill 1\n", "oom_kill"), 1U);
  EXPECT_EQ(value_of("low 0\nhigh 0\nmax 7\noom 2\noom_kill 1\n", "oom"), 2U);
  EXPECT_EQ(value_of("oom_kill_disable 0\nunder_oom 0\noom_kill 12", "oom_kill"), 12U);
  EXPECT_EQ(value_of("max 3", "min"), std::nullopt);
  EXPECT_EQ(value_of("max x", "max"), std::nullopt);
  EXPECT_EQ(parse_pressure("some avg10=0.00 avg60=1.00 avg300=0.00 total=1234\n"
                           "full avg10=0.00 avg60=0.00 avg300=0.00 total=34\n"),
            (Pressure{.some = std::chrono::microseconds(1234), .full = std::chrono::microseconds(34)}));
  EXPECT_EQ(parse_pressure(""), std::nullopt);
  EXPECT_EQ(sum_of("8:0 rbytes=10 wbytes=1 rios=5\n8:16 rbytes=32 wbytes=2\n", "rbytes"), 42U);
  EXPECT_EQ(sum_of("", "rbytes"), 0U);
  EXPECT_EQ(sum_of_v1("8:0 Read 10\n8:0 Write 5\n8:16 Read 4\nTotal 19\n", "Read"), 14U);
}

TEST(CgroupUsage, RefusedIsWhatTheOwnLimitRefused) {
  const testing::ScratchDirectory group;
  const Fd directory = Fd::adopt(::open(group.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto refused = [&] { return read_refused_processes({.directory = directory.get(), .version = Version::v1}); };
  EXPECT_EQ(refused(), std::nullopt);
  group.write("pids.events", "max 0\n");
  EXPECT_EQ(refused(), 0U);
  group.write("pids.events", "max 3\n");
  group.write("pids.max", "8\n");
  EXPECT_EQ(refused(), 3U);  // a kernel that does not know the peak
  group.write("pids.peak", "8\n");
  EXPECT_EQ(refused(), 3U);
  group.write("pids.peak", "7\n");
  EXPECT_EQ(refused(), 0U);  // a group above was full
  group.write("pids.max", "max\n");
  EXPECT_EQ(refused(), 0U);
}

TEST(CgroupUsage, PartsOfVersion1AreScaledToTheExactTotal) {
  const CpuTime time = scaled(1'000'000, 3'000'000, 1'000'000);
  EXPECT_EQ(time.user.count(), 750'000);
  EXPECT_EQ(time.system.count(), 250'000);
  EXPECT_EQ(scaled(500, 0, 0).user.count(), 500);
}

// ---- settings

using Fields = std::vector<std::string>;

Fields texts_of(const std::vector<Setting>& settings) {
  Fields texts;
  for (const Setting& setting : settings) texts.push_back(setting.file + "=" + setting.value);
  return texts;
}

Limits every_limit() {
  return {.memory_bytes = 1U << 20U,
          .processes = 5,
          .cpus = 0.5,
          .cpuset = "0-1",
          .io_weight = 200,
          .io = {{.device = "/dev/vda", .read_bytes_per_second = 1000, .writes_per_second = 7}}};
}

const Place kEverywhere{
    .parent = "/",
    .controllers = {Controller::memory, Controller::pids, Controller::cpu, Controller::cpuset, Controller::io}};

TEST(CgroupSettings, OfVersion2) {
  const Surroundings around{.with_init = true, .devices = {{.major = 254, .minor = 0}}};
  EXPECT_THAT(texts_of(settings_for(kEverywhere, every_limit(), around)),
              ElementsAre("memory.swap.max=0", "memory.oom.group=1", "pids.max=6", "cpu.max=50000 100000",
                          "cpuset.cpus=0-1", "io.weight=default 200", "io.max=254:0 rbps=1000 wiops=7"));
}

TEST(CgroupSettings, OfVersion1) {
  Place place = kEverywhere;
  place.version = Version::v1;
  const Surroundings around{.with_init = false, .parent_memory_nodes = "0\n", .devices = {{.major = 8, .minor = 16}}};
  EXPECT_THAT(texts_of(settings_for(place, every_limit(), around)),
              ElementsAre("memory.kmem.tcp.limit_in_bytes=1048576", "pids.max=5", "cpu.cfs_period_us=100000",
                          "cpu.cfs_quota_us=50000", "cpuset.mems=0\n", "cpuset.cpus=0-1", "blkio.bfq.weight=200",
                          "blkio.throttle.read_bps_device=8:16 1000", "blkio.throttle.write_iops_device=8:16 7"));
}

TEST(CgroupSettings, NoMoreProcessesThanTheKernelTakes) {
  const Place place{.parent = "/", .controllers = {Controller::pids}};
  EXPECT_THAT(texts_of(settings_for(place, {.processes = 4194304}, {.with_init = true})),
              ElementsAre("pids.max=4194304"));
}

TEST(CgroupSettings, OnlyWhatWasAskedForIsWritten) {
  Limits none;
  none.processes = std::nullopt;
  EXPECT_THAT(settings_for(kEverywhere, none, {}), IsEmpty());
  EXPECT_THAT(settings_for({.parent = "/"}, every_limit(), {}), IsEmpty());
}

TEST(CgroupSettings, UncountedSwapIsHarmlessOnlyWhereNothingSwaps) {
  for (const bool swaps : {false, true}) {
    const std::vector<Setting> settings = settings_for(kEverywhere, {.memory_bytes = 1U << 20U}, {.host_swaps = swaps});
    EXPECT_EQ(settings.front().file, "memory.swap.max");
    EXPECT_EQ(settings.front().absence, swaps ? Setting::Absence::error : Setting::Absence::harmless);
  }
}

TEST(CpuList, IsARangeOrTheOther) {
  EXPECT_THAT(parse_cpu_list("0-2,5"), ElementsAre(0, 1, 2, 5));
  for (const char* broken : {"", "a", "2-1", "0,,1", "0-", "-1", "0,0", "9999", "0-1-2"})
    EXPECT_THAT(parse_cpu_list(broken), IsEmpty()) << broken;
}

TEST(GroupName, IsTheBoxesOwn) {
  EXPECT_TRUE(is_box_name("pivotbox-12-0"));
  for (const char* other : {"pivotbox-callers", "pivotbox-12", "pivotbox-12-", "pivotbox--1", "pivotbox-12-0-1", "x"})
    EXPECT_FALSE(is_box_name(other)) << other;
}

}  // namespace
}  // namespace pivotbox::cgroup
