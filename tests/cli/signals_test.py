#!/usr/bin/env python3
"""Signals to the command reach the program, and nothing outlives the command."""

import sys

sys.dont_write_bytecode = True

import contextlib
import os
import pty
import select
import signal
import subprocess
import time

from command_line import (
    DEADLINE_SECONDS,
    CommandLineTest,
    Watched,
    all_children_end,
    command,
    descendants,
    inheriting_orphans,
    main,
)

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
# Says its signals as they come, and ends with the last of them.
LISTENER = """
import signal
names = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2}
signal.pthread_sigmask(signal.SIG_BLOCK, names)
print("ready", flush=True)
while True:
    got = signal.sigwait(names)
    print(got.name, flush=True)
    if got == signal.SIGUSR2:
        raise SystemExit(7)
"""


def state_of(pid):
    """Name and state of a process."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        name, rest = file.read().split("(", 1)[1].rsplit(")", 1)
    return name, rest.split()[0]


class Forwarding(CommandLineTest):
    def test_program_gets_the_signals(self):
        for pid1 in ("init", "program"):
            with self.subTest(pid1=pid1), self.started("run", "--pid1", pid1, "python3", "-c", LISTENER) as process:
                self.assertEqual(process.stdout.readline(), b"ready\n")
                for number in FORWARDED:
                    process.send_signal(number)
                    self.assertEqual(process.stdout.readline().decode(), number.name + "\n")
                self.assertEqual(process.wait(DEADLINE_SECONDS), 7)
                self.assertEqual(process.stderr.read(), b"")

    def test_program_that_does_not_care_dies_of_it(self):
        for number in FORWARDED:
            with self.subTest(signal=number), self.started("run", "sh", "-c", "echo ready; exec sleep 1000") as process:
                self.assertEqual(process.stdout.readline(), b"ready\n")
                process.send_signal(number)
                self.assertEqual(process.wait(DEADLINE_SECONDS), 128 + number.value)
                self.assertEqual(process.stderr.read().decode(), f"pivotbox: killed by {number.name}\n")

    def test_what_a_terminal_sends_reaches_the_children_too(self):
        # A shell waits for its child, whatever signal it gets itself.
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
            with self.subTest(signal=number), self.started(
                "run", "sh", "-c", "trap : INT QUIT HUP; sh -c 'echo ready; exec sleep 1000'; echo $?"
            ) as process:
                self.assertEqual(process.stdout.readline(), b"ready\n")
                process.send_signal(number)
                self.assertEqual(process.stdout.readline().decode(), f"{128 + number}\n")
                self.assertEqual(process.wait(DEADLINE_SECONDS), 0)

    def test_box_stops_and_goes_on_with_the_command(self):
        for pid1 in ("init", "program"):
            reading, writing = os.pipe()
            with self.subTest(pid1=pid1), os.fdopen(writing, "wb") as keyboard, self.started(
                *("run", "--pid1", pid1, "sh", "-c", "echo ready; read line; exit 3"),
                stdin=reading,
                process_group=0,  # beside the test's in one session: not orphaned
            ) as process:
                os.close(reading)
                self.assertEqual(process.stdout.readline(), b"ready\n")
                (program,) = [pid for pid in descendants(process.pid) if state_of(pid)[0] == "sh"]
                process.send_signal(signal.SIGTSTP)
                _, status = os.waitpid(process.pid, os.WUNTRACED)
                self.assertTrue(os.WIFSTOPPED(status))
                while state_of(program)[1] != "T":  # it gets there by way of init; the alarm ends the test
                    pass
                process.send_signal(signal.SIGCONT)
                keyboard.close()
                self.assertEqual(process.wait(DEADLINE_SECONDS), 3)

    def test_stop_key_where_nobody_could_continue_is_dropped(self):
        reading, writing = os.pipe()
        with os.fdopen(writing, "wb") as keyboard, self.started(
            "run", "sh", "-c", "echo ready; read line; exit 3", stdin=reading, start_new_session=True
        ) as process:
            os.close(reading)
            self.assertEqual(process.stdout.readline(), b"ready\n")
            process.send_signal(signal.SIGTSTP)
            keyboard.close()
            self.assertEqual(process.wait(DEADLINE_SECONDS), 3)

    def test_ignored_signal_stays_ignored(self):
        reading, writing = os.pipe()
        with self.started(
            "run",
            *("sh", "-c", "trap 'exit 3' TERM; echo ready; read line"),
            stdin=reading,
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
        ) as process:
            os.close(reading)
            self.assertEqual(process.stdout.readline(), b"ready\n")
            process.send_signal(signal.SIGHUP)
            process.send_signal(signal.SIGTERM)  # handed on after the other, if that is
            self.assertEqual(process.wait(DEADLINE_SECONDS), 3)
            os.close(writing)

    def test_interrupt_key_of_a_terminal(self):
        with self.on_a_terminal(command(), "run", "sh", "-c", "echo ready; exec sleep 1000") as (pid, keyboard):
            self.assertIn(b"ready", self.next_words(keyboard))
            keyboard.write(b"\x03")
            self.assertIn(b"killed by SIGINT", self.next_words(keyboard, after=b"^C"))
            _, status = os.waitpid(pid, 0)
        self.assertEqual(os.waitstatus_to_exitcode(status), -signal.SIGINT)

    def test_interrupt_key_ends_a_script_unless_the_program_goes_on(self):
        script = '"$0" run python3 -c "$1"; echo went on'
        # A handler would miss the key just before time.sleep() sleeps: sigwait() does not.
        for program, goes_on in (
            (
                "import signal, time; signal.signal(signal.SIGINT, signal.SIG_DFL); "
                "print('ready', flush=True); time.sleep(1000)",
                False,
            ),
            (
                "import signal, sys; keys = {signal.SIGINT}; signal.pthread_sigmask(signal.SIG_BLOCK, keys); "
                "print('ready', flush=True); signal.sigwait(keys); sys.exit(130)",
                True,
            ),
        ):
            with self.subTest(program=program), self.on_a_terminal(
                *("bash", "-c", script, command(), program)
            ) as (_, keyboard):
                self.assertIn(b"ready", self.next_words(keyboard))
                keyboard.write(b"\x03")
                self.assertEqual(b"went on" in self.rest(keyboard), goes_on)

    def test_in_the_background_the_input_of_the_terminal_is_left_alone(self):
        for background, output in ((True, b"status 0"), (False, b"typed\r\ntyped\r\n")):
            script = f'set -m; "$0" run cat {"& wait $!" if background else ""}; echo status $?'
            with self.subTest(background=background), self.on_a_terminal(
                *("bash", "-c", script, command())
            ) as (_, keyboard):
                if not background:
                    keyboard.write(b"typed\n\x04")
                self.assertIn(output, self.rest(keyboard))

    @contextlib.contextmanager
    def on_a_terminal(self, *words):
        """The leader of a session of its own, and the terminal's other side."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.directory)
            os.execvp(words[0], words)
        with os.fdopen(terminal, "r+b", buffering=0) as keyboard:
            yield pid, keyboard

    def rest(self, terminal):
        """What comes on the terminal until nobody has it open any more."""
        words = b""
        with contextlib.suppress(OSError):
            while select.select([terminal], [], [], DEADLINE_SECONDS / 2)[0] and (block := terminal.read(4096)):
                words += block
        return words

    def next_words(self, terminal, after=b""):
        """What comes next on the terminal, but for the echo of what was typed."""
        words = b""
        while not words.replace(after, b"").strip():
            ready, _, _ = select.select([terminal], [], [], DEADLINE_SECONDS)
            self.assertTrue(ready, "nothing came")
            words += terminal.read(4096)
        return words


class Death(CommandLineTest):
    SCRIPT = """
        sleep 1000 &
        setsid sleep 1000 &
        (setsid sh -c 'trap "" HUP TERM; sleep 1000' &)
        echo ready
        sleep 1000
    """

    def test_of_the_command_ends_the_box(self):
        for pid1 in ("init", "program"):
            with self.subTest(pid1=pid1), self.started("run", "--pid1", pid1, "sh", "-c", self.SCRIPT) as process:
                self.assertEqual(process.stdout.readline(), b"ready\n")
                pids = descendants(process.pid)
                self.assertGreaterEqual(len(pids), 3)
                with Watched(pids) as watched:
                    process.kill()
                    self.assertTrue(watched.all_end(), f"left behind: {pids}")

    def test_of_the_command_in_the_middle_of_a_launch_ends_the_box(self):
        with inheriting_orphans():
            for microseconds in range(0, 6000, 100):
                process = subprocess.Popen(
                    [command(), "run", "sleep", "1000"], cwd=self.directory, stdin=subprocess.DEVNULL
                )
                until = time.monotonic_ns() + 1000 * microseconds
                while time.monotonic_ns() < until:
                    pass
                process.kill()
                process.wait(DEADLINE_SECONDS)
                self.assertTrue(all_children_end(), f"killed after {microseconds} us")

    def test_of_the_program_ends_the_rest_of_the_box(self):
        script = "sleep 1000 & setsid sleep 1000 & echo ready; read line; exit 3"
        reading, writing = os.pipe()
        with self.started("run", "sh", "-c", script, stdin=reading) as process:
            os.close(reading)
            self.assertEqual(process.stdout.readline(), b"ready\n")
            with Watched(descendants(process.pid)) as watched:
                os.close(writing)
                self.assertEqual(process.wait(DEADLINE_SECONDS), 3)
                self.assertTrue(watched.all_end())


if __name__ == "__main__":
    main()
