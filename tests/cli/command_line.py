"""What the tests of the command line share: a scratch directory, running the command, and an honest account of skips.

The environment variable PIVOTBOX names the command. Everything is made below TMPDIR and removed again.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
import unittest

DEADLINE_SECONDS = 60
RAN = "the program ran"
IS_ROOT = os.geteuid() == 0
SKIPPED = 77
NOBODY = 65534
SANITIZER = os.environ.get("PIVOTBOX_SANITIZER")  # that the command is built with: address or thread


def command():
    return os.environ["PIVOTBOX"]


def not_sanitized(reason):
    """Of a test that cannot hold for a command with a sanitizer's run time; tools/run_test knows these words."""
    return unittest.skipIf(SANITIZER, f"not in a sanitizer's build: {reason}")


def out_of_time(*_):
    raise TimeoutError(f"the test is not done after {DEADLINE_SECONDS} s")


class Finished:
    """What one run of the command left."""

    def __init__(self, status, output, errors):
        self.status = status
        self.output = output
        self.errors = errors

    def __repr__(self):
        return f"status {self.status}\nstandard output: {self.output!r}\nstandard error: {self.errors!r}"


class CommandLineTest(unittest.TestCase):
    """A test with a directory of its own, which is the current one of every command it runs."""

    maxDiff = None

    def setUp(self):
        signal.signal(signal.SIGALRM, out_of_time)
        signal.alarm(DEADLINE_SECONDS)
        self.addCleanup(signal.alarm, 0)
        scratch = tempfile.TemporaryDirectory(prefix="pivotbox-cli-")
        self.addCleanup(scratch.cleanup)
        self.directory = os.path.realpath(scratch.name)
        # The box has ids of its own when root starts it, and they have to get in.
        os.chmod(self.directory, 0o755)

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, contents="", mode=0o644):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(contents)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def make_directory(self, name, mode=0o755):
        os.makedirs(self.path(name))
        os.chmod(self.path(name), mode)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def pivotbox(self, *words, **options):
        """Runs the command to its end."""
        return self.run_outside([command(), *words], **options)

    def run_outside(self, words, environment=None, **options):
        """Runs any program of the host to its end."""
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("cwd", self.directory)
        finished = subprocess.run(
            words,
            capture_output=True,
            timeout=DEADLINE_SECONDS,
            check=False,
            env=environment if environment is not None else os.environ,
            **options,
        )
        return Finished(
            finished.returncode,
            finished.stdout.decode(errors="surrogateescape"),
            finished.stderr.decode(errors="surrogateescape"),
        )

    def run_shell(self, script, *options, **more):
        """Runs `script` in a box made with `options`."""
        return self.pivotbox("run", *options, "--", "sh", "-c", script, **more)

    def assert_output(self, finished, output):
        """The program succeeded with exactly this output, and nothing was said about it."""
        self.assertEqual((finished.status, finished.output, finished.errors), (0, output, ""), finished)

    def assert_fails_in_box(self, finished, reason):
        """The program itself failed, with `reason` among its words."""
        self.assertNotEqual(finished.status, 0, finished)
        self.assertIn(reason, finished.errors, finished)
        self.assertNotIn("pivotbox:", finished.errors)

    def assert_refused(self, finished, status, *words):
        """The command said one clear line with `words` in it, and nothing was started."""
        self.assertEqual(finished.status, status, finished)
        self.assertEqual(finished.output, "")
        lines = finished.errors.splitlines()
        self.assertTrue(lines and lines[0].startswith("pivotbox: "), finished)
        self.assertTrue(all(line.startswith("hint: ") for line in lines[1:]), finished)
        for word in words:
            self.assertIn(word, lines[0])

    @contextlib.contextmanager
    def started(self, *words, stdin=subprocess.DEVNULL, **options):
        """The command, running; it is ended and its pipes are closed when the test goes on."""
        process = subprocess.Popen(
            [command(), *words],
            cwd=self.directory,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **options,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate(timeout=DEADLINE_SECONDS)

    def report_of(self, *words, **options):
        """The record of `pivotbox run WORDS`, and how the command finished."""
        finished = self.pivotbox("run", "--report", "report.json", *words, **options)
        return json.loads(self.read("report.json")), finished


def descendants(pid):
    """Process ids of everything started by `pid`, directly or not."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as stat:
                parents[int(name)] = int(stat.read().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    found = {pid}
    while True:
        more = {child for child, parent in parents.items() if parent in found} - found
        if not more:
            return found - {pid}
        found |= more


class Watched:
    """Processes that can be waited for although they are nobody's children here."""

    def __init__(self, pids):
        self.pidfds = []
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                self.pidfds.append(os.pidfd_open(pid))

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for pidfd in self.pidfds:
            os.close(pidfd)

    def all_end(self):
        """Whether all of them end before the deadline."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        running = set(self.pidfds)
        while running and time.monotonic() < deadline:
            ended, _, _ = select.select(list(running), [], [], max(0, deadline - time.monotonic()))
            running -= set(ended)
        return not running


@contextlib.contextmanager
def inheriting_orphans():
    """Meanwhile whatever is left behind by a child becomes a child of this process (PR_SET_CHILD_SUBREAPER)."""
    set_child_subreaper = 36
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(set_child_subreaper, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    try:
        yield
    finally:
        prctl(set_child_subreaper, 0, 0, 0, 0)


def all_children_end():
    """Whether this process has no child left before the deadline; reaps them."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        with Watched(descendants(os.getpid())) as watched:
            watched.all_end()
        try:
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        except ChildProcessError:
            return True
    return False


def main():
    """Runs the calling file's tests. A skip is said aloud and told to the caller by the exit status."""
    result = unittest.main(module="__main__", exit=False, verbosity=2).result
    for test, reason in result.skipped:
        print(f"SKIPPED: {test}: {reason}")
    if not result.wasSuccessful() or result.testsRun == 0:
        sys.exit(1)
    sys.exit(SKIPPED if result.skipped else 0)
