#!/usr/bin/env python3
"""A delegated control group from the user's systemd, for an ordinary user in a login session.

Root plays login and systemd (login_session.py); an ordinary user is only played.
"""

import os
import pwd
import sys
import time
import unittest

from command_line import IS_ROOT, NOBODY, CommandLineTest, command, main

SESSION = os.path.join(os.path.dirname(os.path.realpath(__file__)), "login_session.py")
SLICE = "/login-"
KILL_HOST = """
import os, signal, subprocess, sys
host = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)
assert host.stdout.readline() == b"ready\\n"
host.kill()
host.wait()
assert host.stdout.read() == b""  # nobody holds the pipe any more
"""


def ordinary_user():
    try:
        return pwd.getpwnam("pivotbox-test").pw_uid
    except KeyError:
        return NOBODY


@unittest.skipUnless(IS_ROOT, "only root can play login and systemd")
class LoginSession(CommandLineTest):
    # The memory controller may be version 1's on this host; CPU time is counted by any group.
    LIMIT = ("--cpu-time", "30s")

    def setUp(self):
        super().setUp()
        self.user = ordinary_user()
        os.chmod(self.directory, 0o777)

    def in_session(self, answer, *words):
        return self.run_outside([sys.executable, SESSION, str(self.user), answer, *words])

    def run_in_session(self, answer, script, *options):
        return self.in_session(answer, command(), "run", *self.LIMIT, *options, "--", "sh", "-c", script)

    def test_gives_a_scope(self):
        self.assert_output(self.run_in_session("start", "echo ran"), "ran\n")

    def test_moves_the_caller_and_keeps_the_box_beside_it(self):
        script = f"""import os, subprocess
box = subprocess.Popen(["{command()}", "run", "--cpu-time", "30s", "--", "sh", "-c", "echo ready; read line"],
                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
box.stdout.readline()
of = lambda pid: [l for l in open(f"/proc/{{pid}}/cgroup").read().splitlines() if l.startswith("0:")][0]
print(of(os.getpid()))
print(of(box.pid))
print(sorted(n for n in os.listdir(os.path.dirname("/sys/fs/cgroup" + of(box.pid)[3:])) if n.startswith("pivotbox-")))
box.communicate(b"\\n")
"""
        finished = self.in_session("start", sys.executable, "-c", script)
        self.assertEqual((finished.status, finished.errors), (0, ""), finished)
        starter, box, groups = finished.output.splitlines()
        self.assertRegex(starter, r"^0::/login-\d+\.slice/session-1\.scope$")
        self.assertRegex(box, r"^0::/login-\d+\.slice/user\.service/pivotbox-\d+-\d+\.scope/pivotbox-caller$")
        self.assertRegex(groups, r"^\['pivotbox-\d+-\d+', 'pivotbox-caller'\]$")

    def test_leaves_nothing_when_the_host_is_killed(self):
        """The session sees to it that the scope becomes empty."""
        box = (command(), "run", *self.LIMIT, "--", "sh", "-c", "echo ready; sleep 1000 & wait")
        finished = self.in_session("start", sys.executable, "-c", KILL_HOST, *box)
        self.assertEqual((finished.status, finished.errors), (0, ""), finished)

    def test_is_not_asked_where_it_is_not_needed(self):
        words = (command(), "run", "--timeout", "30s", "--", "sh", "-c", "echo ran")
        self.assert_output(self.in_session("deny", *words), "ran\n")

    def test_is_not_asked_to_explain(self):
        finished = self.in_session("deny", command(), "explain", *self.LIMIT, "--", "true")
        self.assertEqual((finished.status, finished.errors), (0, ""), finished)

    def test_refusals_are_told(self):
        for answer, reason in (
            ("deny", "StartTransientUnit by D-Bus: org.freedesktop.DBus.Error.AccessDenied: Not today"),
            ("fail", 'systemd\'s job ended as "failed"'),
            ("none", "there is no bus of the user's systemd"),
        ):
            with self.subTest(answer=answer):
                finished = self.run_in_session(answer, "echo ran")
                self.assertEqual((finished.status, finished.output), (125, ""), finished)
                self.assertIn("--cpu-time: needs the cgroup controller", finished.errors)
                self.assertIn(f"hint: /sys/fs/cgroup{SLICE}", finished.errors)
                self.assertIn("--cgroup-parent", finished.errors)
                self.assertIn("--limits best-effort", finished.errors)
                self.assertIn(reason, finished.errors)
                self.assert_output(self.run_in_session(answer, "echo ran", "--limits", "best-effort"), "ran\n")

    def test_is_not_waited_for_long_where_the_limits_are_not_required(self):
        started = time.monotonic()
        self.assert_output(self.run_in_session("silent", "echo ran", "--limits", "best-effort"), "ran\n")
        with_best_effort = time.monotonic() - started
        finished = self.run_in_session("silent", "echo ran")
        required = time.monotonic() - started - with_best_effort
        self.assertEqual((finished.status, finished.output), (125, ""), finished)
        self.assertIn("Connection timed out", finished.errors)
        self.assertLess(with_best_effort, required - 4)


if __name__ == "__main__":
    main()
