#!/usr/bin/env python3
"""A caller that closes descriptors, has hardly any resources, or kills the command: it is told, and nothing is left."""

import sys

sys.dont_write_bytecode = True

import json
import os
import random
import signal
import subprocess

from command_line import (
    RAN,
    SANITIZER,
    CommandLineTest,
    all_children_end,
    command,
    inheriting_orphans,
    main,
    not_sanitized,
)

SANDBOX_FAILED = 125
CANNOT_BE_LOADED = 127  # ld.so's; the kernel says SIGSEGV
TOO_SMALL_TO_BE_LOADED = 16 << 20


class ClosedDescriptors(CommandLineTest):
    def with_closed(self, which, *words):
        redirections = " ".join(f"{descriptor}>&-" for descriptor in which)
        return self.run_outside(["sh", "-c", f'exec "$0" "$@" {redirections}', command(), *words])

    def test_the_program_runs_as_usual(self):
        for which in ((0,), (1,), (2,), (0, 1, 2)):
            for options in ((), ("--output-limit", "1k")):
                with self.subTest(which=which, options=options):
                    words = ("--report", "report.json", *options, "--", "sh", "-c", "echo out; echo err >&2; exit 3")
                    finished = self.with_closed(which, "run", *words)
                    self.assertEqual(finished.status, 3, finished)
                    self.assertEqual(finished.output, "" if 1 in which else "out\n")
                    self.assertEqual(finished.errors, "" if 2 in which else "err\n")
                    self.assertEqual(json.loads(self.read("report.json"))["exit_code"], 3)

    def test_what_the_command_would_write_is_not_lost_silently(self):
        for words in (("run", "--report", "-", "echo", RAN), ("help",), ("--version",), ("explain", "true")):
            with self.subTest(words=words):
                self.assert_refused(self.with_closed((1,), *words), SANDBOX_FAILED, "standard output", "closed")


class LimitOfTheCaller(CommandLineTest):
    def test_is_named(self):
        limits = [("-f 1", "File too large", "ulimit -f")]
        limits += [(f"-n {most}", "Too many open files", "RLIMIT_NOFILE") for most in (12, 24)]
        for limit, error, named in limits:
            with self.subTest(limit=limit):
                script = f'ulimit {limit}; exec "$0" "$@"'
                finished = self.run_outside(["bash", "-c", script, command(), "run", "echo", RAN])
                self.assert_refused(finished, SANDBOX_FAILED, error)
                self.assertIn(named, finished.errors)


class InsideABox(CommandLineTest):
    @not_sanitized("LeakSanitizer has to trace, which the outer box forbids")
    def test_the_command_says_why_it_makes_no_other(self):
        finished = self.pivotbox("run", "--ro-bind", command(), "--", command(), "run", "true")
        self.assert_refused(finished, SANDBOX_FAILED, "Function not implemented")
        self.assertIn("hint: the filter of an outer box", finished.errors)


class Limits(CommandLineTest):
    """With more and more of a resource the command works; with less it says why it does not, in the report too."""

    def raise_until_it_works(self, limit, values, *options):
        words = ("run", "--report", "report.json", "--timeout", "20s", *options, "--", "echo", RAN)
        for value in values:
            finished = self.run_outside(["prlimit", f"--{limit}={value}", command(), *words])
            if finished.status == 0:
                self.assert_output(finished, RAN + "\n")
                self.assertEqual(json.loads(self.read("report.json"))["exit_code"], 0)
                return value
            with self.subTest(value=value):
                # What keeps the limits of time is started last: then the program may have come to its end.
                self.assertIn(finished.output, ("", RAN + "\n"))
                if finished.status in (CANNOT_BE_LOADED, -signal.SIGSEGV) and not finished.errors.startswith("pivotbox: "):
                    self.assertLess(value, TOO_SMALL_TO_BE_LOADED)
                    continue
                self.assertEqual(finished.status, SANDBOX_FAILED, finished)
                self.assertRegex(finished.errors, r"\Apivotbox: .*: |\Apivotbox: out of memory\n\Z")
                self.assertNotIn("No such file", finished.errors)
                self.assert_report_agrees(finished)
        return self.fail(f"does not work with {value}")

    def assert_report_agrees(self, finished):
        report = self.read("report.json") if os.path.exists(self.path("report.json")) else ""
        if "pivotbox: no report" in finished.errors or "out of memory" in finished.errors or not report:
            self.assertFalse(report.endswith("}\n"), report)
        else:
            self.assertEqual(json.loads(report)["status"], "setup_failed")
            self.assertIn(json.loads(report)["error"]["message"], finished.errors)

    def test_of_descriptors(self):
        self.assertGreater(self.raise_until_it_works("nofile", range(4, 256), "--output-limit", "1M"), 4)

    @not_sanitized("it needs terabytes of addresses for records of its own")
    def test_of_address_space(self):
        self.raise_until_it_works("as", range(2 << 20, 1 << 30, 50 << 12))

    def test_of_the_size_of_files(self):
        # ThreadSanitizer's run time writes to a file before the command begins.
        least = 1 if SANITIZER == "thread" else 0
        values = [*range(least, 2), 100, 1000, *range(2000, 1 << 20, 1500)]
        self.assertGreater(self.raise_until_it_works("fsize", values), least)


class Death(CommandLineTest):
    def groups(self, pids):
        """Control groups of the boxes of these commands."""
        found = set()
        for directory, names, _ in os.walk("/sys/fs/cgroup"):
            for name in names:
                if name.startswith("pivotbox-") and name.split("-")[1] in pids:
                    found.add(os.path.join(directory, name))
        return found

    def test_at_any_moment_leaves_nothing(self):
        moments = random.Random(1)
        limits = ("--limits", "best-effort", "--memory", "64M", "--timeout", "20s", "--output-limit", "1M")
        words = ("run", "--report", "report.json", "--tmpfs", "/scratch", *limits)
        pids = set()
        with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
            before = mounts.read()
        with inheriting_orphans():
            for number in range(200):
                process = subprocess.Popen(
                    [command(), *words, "--", "sleep", "1000"],
                    cwd=self.directory,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                )
                pids.add(str(process.pid))
                try:
                    process.wait(moments.uniform(0, 0.03))
                except subprocess.TimeoutExpired:
                    process.kill()
                process.wait()
                self.assertTrue(all_children_end(), f"run {number}")
                self.assertEqual(set(os.listdir(self.directory)) - {"report.json"}, set())
                self.assertFalse(os.path.exists(self.path("report.json")) and self.read("report.json"))
        self.assert_output(self.pivotbox("run", *limits, "echo", RAN), RAN + "\n")  # removes what they left
        self.assertEqual(self.groups(pids), set())
        with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
            self.assertEqual(mounts.read(), before)


if __name__ == "__main__":
    main()
