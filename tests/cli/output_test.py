#!/usr/bin/env python3
"""What the command writes itself: plans, closed pipes, missing descriptors."""

import sys

sys.dont_write_bytecode = True

import fcntl
import json
import os
import subprocess

from command_line import RAN, CommandLineTest, command, main


class Explain(CommandLineTest):
    OPTIONS = ("--tmpfs", "/mnt", "--hostname", "judge", "--timeout", "1s", "--report", "record.json", "--timing")

    def explained(self, *words):
        finished = self.pivotbox("explain", *words, *self.OPTIONS, "sh", "-c", f"echo {RAN}")
        self.assertEqual((finished.status, finished.errors), (0, ""), finished)
        return finished.output

    def test_shows_the_steps_and_does_nothing(self):
        for words in ([], ["--format", "text"], ["--format=json"], ["--format", "mermaid"]):
            with self.subTest(words=words):
                output = self.explained(*words)
                self.assertIn("/mnt", output)
                self.assertIn("judge", output)
                self.assertTrue(output.endswith("\n"))
                self.assertEqual(os.listdir(self.directory), [])

    def test_formats_are_what_they_say(self):
        self.assertEqual(self.explained(), self.explained("--format", "text"))
        plan = json.loads(self.explained("--format", "json"))
        self.assertIn("steps", plan)
        self.assertTrue(any("/mnt" in step["description"] for step in plan["steps"]))
        self.assertTrue(self.explained("--format", "mermaid").startswith("sequenceDiagram"))

    def test_no_name_passes_for_a_line_or_orders_the_terminal_about(self):
        words = ("--symlink", "\x1b[31m\nx\u009by:/link", "--", b"\xff")
        for format in ("text", "mermaid"):
            finished = self.pivotbox("explain", "--format", format, *words)
            self.assertIn("\\x1b[31m\\x0ax\\xc2\\x9by", finished.output)
            self.assertIn("\\xff", finished.output)

    def test_refuses_what_run_refuses(self):
        finished = self.pivotbox("explain", "--tmpfs", "/mnt:size=0", "true")
        self.assert_refused(finished, 125, "--tmpfs /mnt:size=0")
        self.assert_refused(self.pivotbox("explain", "--root", "nothing", "true"), 125, "--root nothing")
        self.assert_refused(self.pivotbox("explain", "--file", "nothing:/x", "true"), 125, "--file nothing:/x")


class Output(CommandLineTest):
    def test_that_cannot_be_written_is_an_error(self):
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "wb") as pipe, open("/dev/full", "wb") as full:
            for target, why in ((pipe, b"Broken pipe"), (full, b"No space left on device")):
                for words in (["--help"], ["--version"], ["explain", "true"]):
                    with self.subTest(words=words, why=why):
                        finished = subprocess.run(
                            [command(), *words],
                            cwd=self.directory,
                            stdin=subprocess.DEVNULL,
                            stdout=target,
                            stderr=subprocess.PIPE,
                            check=False,
                        )
                        self.assertEqual(finished.returncode, 125)
                        self.assertIn(why, finished.stderr)

    def test_program_is_not_spared_a_closed_pipe(self):
        finished = self.run_outside(
            ["bash", "-c", '"$@" | true; exit ${PIPESTATUS[0]}', "bash", command(), "run", "yes"]
        )
        self.assert_refused(finished, 141, "killed by SIGPIPE")

    def test_missing_descriptors_are_filled_before_files_are_opened(self):
        for closing in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
            with self.subTest(closing=closing):
                script = f'exec {closing}; exec "$@"'
                program = "echo out; echo err >&2; test $(ls /proc/self/fd | wc -l) -eq 4 && test ! /dev/fd/0 -ef $1"
                words = ["run", "--report", "record.json", "sh", "-c", program, "sh", "record.json"]
                finished = self.run_outside(["sh", "-c", script, "sh", command(), *words])
                self.assertEqual(finished.status, 0, finished)
                self.assertEqual(json.loads(self.read("record.json"))["exit_code"], 0)

    def test_non_blocking_pipe_gets_everything(self):
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        page = fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
        many = [word for number in range(200) for word in ("--dir", f"/{number}/" + "x" * 200)]
        words = ["explain", *many, "true"]
        with subprocess.Popen(
            [command(), *words], cwd=self.directory, stdin=subprocess.DEVNULL, stdout=writing, stderr=subprocess.PIPE
        ) as process:
            os.close(writing)
            with os.fdopen(reading, "rb") as pipe:
                received = pipe.read()
            self.assertEqual((process.wait(), process.stderr.read()), (0, b""))
        self.assertGreater(len(received), 4 * page)
        self.assertEqual(received.decode(), self.pivotbox(*words).output)


if __name__ == "__main__":
    main()
