#!/usr/bin/env python3
"""The exit status and the one line that explains it."""

import sys

sys.dont_write_bytecode = True

import contextlib
import json
import os
import signal
import subprocess
import time

from command_line import DEADLINE_SECONDS, IS_ROOT, CommandLineTest, Watched, command, descendants, main


class ExitStatus(CommandLineTest):
    def test_is_the_programs(self):
        for status in (0, 1, 2, 42, 124, 125, 127, 255):
            with self.subTest(status=status):
                finished = self.run_shell(f"exit {status}")
                self.assertEqual((finished.status, finished.errors), (status, ""))

    def test_of_a_signal(self):
        for killer in (signal.SIGTERM, signal.SIGSEGV, signal.SIGKILL, signal.SIGSYS):
            with self.subTest(signal=killer):
                finished = self.run_shell(f"kill -{killer.value} $$")
                self.assert_refused(finished, 128 + killer.value, f"killed by {killer.name}")

    def test_of_a_signal_to_process_1(self):
        # Process 1 does not feel what it sends to itself (pid_namespaces(7)); what the kernel sends it does.
        crash = "import ctypes; ctypes.string_at(0)"
        finished = self.pivotbox("run", "--pid1", "program", "python3", "-c", crash)
        self.assert_refused(finished, 139, "killed by SIGSEGV")

    def test_of_a_real_time_signal(self):
        number = int(signal.SIGRTMIN) + 3
        script = f"import os; os.kill(os.getpid(), {number})"
        self.assert_refused(self.pivotbox("run", "python3", "-c", script), 128 + number, "killed by SIGRTMIN+3")

    def test_of_a_program_that_is_not_there(self):
        for program in ("no-such-program", "/usr/bin/no-such-program", "./no-such-program"):
            with self.subTest(program=program):
                self.assert_refused(self.pivotbox("run", program), 127, "program not found", program)

    def test_of_a_program_that_cannot_be_executed(self):
        self.write("text", "no program\n", mode=0o755)
        self.write("script", "#!/bin/sh\n", mode=0o644)
        for program in ("./text", "./script", "/usr"):
            with self.subTest(program=program):
                self.assert_refused(self.pivotbox("run", program), 126, "cannot be executed", program)

    def test_of_a_missing_interpreter(self):
        self.write("script", "#!/no/such/interpreter\n", mode=0o755)
        finished = self.pivotbox("run", "./script")
        self.assert_refused(finished, 127, "./script")
        self.assertIn("hint: ", finished.errors)

    def test_of_a_sandbox_that_cannot_be_set_up(self):
        for options in (["--root", "nothing"], ["--ro-bind", "/nothing"], ["--tmpfs", "/x:size=0"]):
            with self.subTest(options=options):
                self.assert_refused(self.pivotbox("run", *options, "true"), 125, " ".join(options))


class OutputLimit(CommandLineTest):
    KIB = 1024

    def test_passes_what_is_within_it(self):
        text = "x" * 300 * self.KIB
        self.write("text", text)
        self.assert_output(self.run_shell("cat text", "--output-limit", "300k"), text)
        finished = self.run_shell("cat text >&2; echo out; exit 3", "--output-limit", "300k")
        self.assertEqual((finished.status, finished.output, finished.errors), (3, "out\n", text))

    def test_ends_everything_and_passes_no_more(self):
        for descriptor in (1, 2):
            with self.subTest(descriptor=descriptor):
                finished = self.run_shell(f"sleep 1000 & yes >&{descriptor}", "--output-limit", "100k")
                self.assertEqual(finished.status, 122, finished.errors[-200:])
                line = "pivotbox: output limit exceeded: 100k\n"
                passed = finished.output if descriptor == 1 else finished.errors.removesuffix(line)
                self.assertEqual(passed, ("y\n" * 51200))
                self.assertTrue(finished.errors.endswith(line))

    def test_is_exact(self):
        for size, status in ((99, 0), (100, 0), (101, 122)):
            with self.subTest(size=size):
                finished = self.run_shell(f"head -c {size} /dev/zero", "--output-limit", "100")
                self.assertEqual((finished.status, len(finished.output)), (status, min(size, 100)))

    def test_counts_both_together_when_they_are_one_file(self):
        with open(self.path("both"), "wb") as file:
            finished = subprocess.run(
                [command(), "run", "--output-limit", "100", "sh", "-c", "for i in 1 2 3 4; do echo o; echo e >&2; done"],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                check=False,
            )
        self.assertEqual((finished.returncode, self.read("both")), (0, "o\ne\n" * 4))

    def test_holds_for_files(self):
        finished = self.run_shell("exec dd if=/dev/zero of=/tmp/file bs=4k count=100", "--output-limit", "100k")
        self.assertEqual(finished.status, 122, finished)
        self.assertTrue(finished.errors.endswith("pivotbox: output limit exceeded: 100k\n"), finished)
        finished = self.run_shell("kill -XFSZ $$")
        self.assert_refused(finished, 128 + signal.SIGXFSZ, "killed by SIGXFSZ")

    def test_output_that_cannot_be_passed_on_is_lost(self):
        with open("/dev/full", "wb") as full:
            words = [command(), "run", "--output-limit", "1k", "--report", "report", "echo", "lost"]
            finished = subprocess.run(words, cwd=self.directory, stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual(finished.returncode, 125)
        self.assertIn(b"pivotbox: sandbox lost: --output-limit: write standard output", finished.stderr)
        self.assertEqual(json.loads(self.read("report"))["error"]["kind"], "lost")

    def test_lets_the_program_see_that_nobody_reads(self):
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "wb") as pipe:
            finished = subprocess.run(
                [command(), "run", "--output-limit", "1G", "yes"],
                stdin=subprocess.DEVNULL,
                stdout=pipe,
                stderr=subprocess.PIPE,
                timeout=DEADLINE_SECONDS,
                check=False,
            )
        self.assertEqual((finished.returncode, finished.stderr), (141, b"pivotbox: killed by SIGPIPE\n"))

    def test_signals_come_through_while_nobody_reads(self):
        with self.started("run", "--output-limit", "1G", "sh", "-c", "echo ready; exec yes") as process:
            self.assertEqual(process.stdout.readline(), b"ready\n")
            with Watched(descendants(process.pid)) as watched:
                process.send_signal(signal.SIGTERM)
                self.assertTrue(watched.all_end())
                # And now nobody waits for the reader either, as soon as the command has seen the end of the box, too.
                while process.poll() is None:
                    process.send_signal(signal.SIGTERM)
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(0.1)
                self.assertEqual(process.returncode, 143)


class TimeLimit(CommandLineTest):
    def test_ends_everything(self):
        script = "sleep 1000 & sleep 1000"
        for limit in ("300ms", "0.3s", "0.005m"):
            with self.subTest(limit=limit):
                before = time.monotonic()
                finished = self.run_shell(script, "--timeout", limit)
                taken = time.monotonic() - before
                self.assert_refused(finished, 124, "wall time limit", limit)
                self.assertGreaterEqual(taken, 0.3)
                self.assertLess(taken, DEADLINE_SECONDS)

    def test_is_no_matter_to_a_program_that_ends(self):
        self.assert_output(self.run_shell("echo done", "--timeout", "1h"), "done\n")
        finished = self.run_shell("kill -9 $$", "--timeout", "1h")
        self.assert_refused(finished, 137, "killed by SIGKILL")

    def test_is_kept_while_the_program_stops_itself(self):
        self.assert_refused(self.run_shell("kill -STOP $$", "--timeout", "200ms"), 124, "200ms")

    def test_is_kept_while_signals_come_in(self):
        script = "trap '' USR1; echo ready; sleep 1000"
        with self.started("run", "--timeout", "500ms", "sh", "-c", script) as process:
            self.assertEqual(process.stdout.readline(), b"ready\n")
            with Watched(descendants(process.pid)) as watched:
                for _ in range(100):
                    process.send_signal(signal.SIGUSR1)
                self.assertTrue(watched.all_end())
            self.assertEqual(process.wait(DEADLINE_SECONDS), 124)


class GroupLimit(CommandLineTest):
    """Limits for which the box gets a control group: an ordinary user has none here, and is told so."""

    def assert_ended(self, option, limit, program, status, line):
        finished = self.pivotbox("run", option, limit, "--timeout", "20s", *program)
        if IS_ROOT:
            self.assert_refused(finished, status, line)
        else:
            self.assert_refused(finished, 125, option)
            self.assertIn("hint: ", finished.errors)

    def test_cpu_time(self):
        script = "(while :; do :; done) & wait"
        self.assert_ended("--cpu-time", "100ms", ["sh", "-c", script], 124, "CPU time limit exceeded: 100ms")

    def test_memory(self):
        script = "x = bytearray(256 << 20)"
        self.assert_ended("--memory", "64M", ["python3", "-c", script], 121, "memory limit exceeded: 64M")


if __name__ == "__main__":
    main()
