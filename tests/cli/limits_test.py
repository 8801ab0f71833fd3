#!/usr/bin/env python3
"""Limits of the whole box that control groups keep, as said on the command line."""

import os
import pathlib

from command_line import IS_ROOT, CommandLineTest, main


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
        self.assertIn("--cgroup-parent: /tmp is not below a mounted cgroup file system", finished.errors)


class WrongValues(CommandLineTest):
    def test_are_refused(self):
        for option, value in (
            ("--memory", "much"),
            ("--pids", "0"),
            ("--cpus", "0"),
            ("--cpus", "nan"),
            ("--cpus", "1e3"),
            ("--limits", "none"),
            ("--cgroup-parent", "relative"),
        ):
            with self.subTest(option=option, value=value):
                finished = self.run_shell("true", option, value)
                self.assertEqual(finished.status, 2, finished)
                self.assertIn(option, finished.errors)


if __name__ == "__main__":
    main()
