#!/usr/bin/env python3
"""Limits of the whole box that control groups keep, as said on the command line."""

import os
import pathlib

from command_line import IS_ROOT, RAN, CommandLineTest, main


class ControlGroups(CommandLineTest):
    def setUp(self):
        super().setUp()
        finished = self.run_shell("true", "--memory", "64M")
        self.available = finished.status == 0
        if not self.available:
            # An ordinary user without a delegated group: refused, with a remedy, and nothing has run.
            self.assertFalse(IS_ROOT, finished)
            self.assertEqual(finished.status, 125, finished)
            self.assertIn("--memory: needs the cgroup controller", finished.errors)
            self.assertIn("--cgroup-parent", finished.errors)

    def test_memory(self):
        if not self.available:
            return
        self.assertNotEqual(self.run_shell("head -c 100M /dev/zero | tail", "--memory", "32M").status, 0)
        self.assertEqual(self.run_shell("head -c 10M /dev/zero | tail | head -c 0", "--memory", "64M").status, 0)

    def test_cpus(self):
        if not self.available:
            return
        self.assert_output(self.run_shell("nproc", "--cpuset", "0", "--cpus", "0.5"), "1\n")

    def test_nothing_is_left(self):
        if not self.available:
            return
        self.run_shell("true", "--memory", "64M")
        own = f"pivotbox-{os.getpid()}-"
        self.assertEqual([str(p) for p in pathlib.Path("/sys/fs/cgroup").rglob(own + "*")], [])

    def test_limits_that_cannot_be_applied(self):
        if not self.available:
            return
        finished = self.run_shell("echo ran", "--cpuset", "8000")
        self.assertEqual((finished.status, finished.output), (125, ""), finished)
        self.assertIn("--cpuset", finished.errors)
        self.assert_output(self.run_shell("echo ran", "--cpuset", "8000", "--limits", "best-effort"), "ran\n")
        self.assert_output(self.run_shell("echo ran", "--cpuset", "8000", "--limits=best-effort"), "ran\n")

    def test_parent_must_be_a_control_group(self):
        finished = self.run_shell("true", "--cgroup-parent", "/tmp", "--memory", "64M")
        self.assertEqual(finished.status, 125, finished)
        self.assertIn("--cgroup-parent: /tmp is not in a mounted cgroup file system", finished.errors)


class Processes(CommandLineTest):
    """--pids-exceeded, with more processes than --pids allows."""

    MANY = "for i in 1 2 3 4 5 6 7 8 9; do sleep 60 & done; echo survived; kill %1"

    def test_ends_the_box(self):
        record, finished = self.report_of("--pids", "5", "--pids-exceeded", "end-box", "--", "sh", "-c", self.MANY)
        if finished.status == 125:  # an ordinary user without a delegated group
            self.assertFalse(IS_ROOT, finished)
            self.assertIn('--pids-exceeded: needs the cgroup controller "pids"', finished.errors)
            self.assertIn("--cgroup-parent", finished.errors)
            return
        self.assertEqual((finished.status, record["status"]), (123, "processes_exceeded"), finished)
        self.assertIn("pivotbox: process limit exceeded: 5\n", finished.errors)
        self.assertLess(record["wall_time_ns"], 30_000_000_000)

    def test_is_refused_by_default(self):
        for words in ([], ["--pids-exceeded", "refuse"]):
            record, finished = self.report_of("--pids", "5", *words, "--", "sh", "-c", self.MANY)
            self.assertEqual((finished.status, record["status"]), (2, "exited"), finished)
            self.assertIn("Cannot fork", finished.errors)

    def test_contradicts_a_limit_that_is_kept_otherwise(self):
        finished = self.run_shell(f"echo {RAN}", "--rlimit", "nproc=5", "--pids-exceeded", "end-box")
        self.assert_refused(finished, 125, "--pids-exceeded")


class BestEffort(CommandLineTest):
    def test_tells_that_cpu_time_is_kept_without_a_group(self):
        record, finished = self.report_of(
            "--cpu-time", "100ms", "--timeout", "30s", "--limits", "best-effort", "--", "sh", "-c", "while :; do :; done"
        )
        self.assertEqual((finished.status, record["status"]), (124, "cpu_time_exceeded"), finished)
        for limit in record["unapplied_limits"]:
            self.assertFalse(IS_ROOT)
            self.assertRegex(limit, "^limits.cpu_time: .*; kept only approximately")

    def test_tells_what_does_not_apply(self):
        record, finished = self.report_of("--cpuset", "8000", "--limits", "best-effort", "--", "true")
        self.assertEqual((finished.status, len(record["unapplied_limits"])), (0, 1), finished)
        self.assertIn("limits.cpuset", record["unapplied_limits"][0])


class Disks(CommandLineTest):
    def test_share(self):
        finished = self.run_shell("echo ran", "--io-weight", "50")
        if finished.status == 125:
            self.assert_refused(finished, 125, "--io-weight: ")  # not the caller's, or nothing here weighs
            self.assertIn("hint: ", finished.errors)
        else:
            self.assert_output(finished, "ran\n")

    def test_bandwidth_of_what_is_no_disk(self):
        for device in ("/dev/null", "/nothing"):
            finished = self.run_shell(f"echo {RAN}", "--io-limit", f"{device}:rbps=1M,wiops=5")
            self.assert_refused(finished, 125, "--io-limit: ")

    def test_bandwidth(self):
        disks = [f"/dev/{disk.name}" for disk in pathlib.Path("/sys/block").iterdir() if disk.name.startswith("loop")]
        disks = [disk for disk in disks if os.path.exists(disk)]
        if not IS_ROOT or not disks:
            return
        record, finished = self.report_of("--io-limit", f"{disks[0]}:rbps=1M,wbps=1M,riops=9,wiops=9", "--", "true")
        self.assertEqual((finished.status, record["unapplied_limits"]), (0, []), finished)
        self.assertEqual(record["usage"]["read_bytes"], 0)


class MemoryFileSystems(CommandLineTest):
    SIZES = "df -k --output=size /tmp /dev/shm | tail -n 2"

    def test_have_a_size(self):
        self.assertEqual(self.run_shell(self.SIZES).output.split(), ["262144", "65536"])
        self.assertEqual(self.run_shell(self.SIZES, "--tmpfs-size", "1M").output.split(), ["1024", "1024"])

    def test_given_as_mounts_have_their_own(self):
        finished = self.run_shell("df -k --output=size /x | tail -n 1", "--tmpfs-size", "1M", "--tmpfs", "/x:size=2M")
        self.assertEqual(finished.output.split(), ["2048"])

    def test_of_no_size_are_refused(self):
        finished = self.run_shell(f"echo {RAN}", "--tmpfs-size", "0")
        self.assert_refused(finished, 125, "--tmpfs-size 0")

    def test_contradict_an_empty_root(self):
        for words in (["--tmpfs-size", "1M", "--no-default-root"], ["--no-default-root", "--tmpfs-size", "1M"]):
            self.assert_refused(self.run_shell(f"echo {RAN}", *words), 2, "contradicts")


class WrongValues(CommandLineTest):
    def test_are_refused(self):
        for option, value in (
            ("--memory", "much"),
            ("--pids", "0"),
            ("--cpus", "0"),
            ("--cpus", "nan"),
            ("--cpus", "1e3"),
            ("--limits", "none"),
            ("--pids-exceeded", "kill"),
            ("--tmpfs-size", "much"),
            ("--io-weight", "0"),
            ("--io-weight", "10001"),
            ("--io-limit", "/dev/vda"),
            ("--io-limit", "vda:rbps=1"),
            ("--io-limit", "/dev/vda:rbps"),
            ("--io-limit", "/dev/vda:rbps=1,"),
            ("--io-limit", "/dev/vda:bps=1"),
            ("--cgroup-parent", "relative"),
        ):
            with self.subTest(option=option, value=value):
                finished = self.run_shell("true", option, value)
                self.assertEqual(finished.status, 2, finished)
                self.assertIn(option, finished.errors)


if __name__ == "__main__":
    main()
