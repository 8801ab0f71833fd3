#!/usr/bin/env python3
"""The program's root, current directory, environment and first process."""

import sys

sys.dont_write_bytecode = True

import os

from command_line import IS_ROOT, RAN, CommandLineTest, command, main

LINKS_TO_USR = [name for name in ("bin", "lib", "lib64", "sbin") if os.path.islink("/" + name)]

class DefaultBox(CommandLineTest):
    def test_script_of_the_current_directory_just_runs(self):
        self.write("script.py", "import sys; print('arguments', sys.argv[1:])\n")
        finished = self.pivotbox("run", "--", "python3", "script.py", "--bind", "two words")
        self.assert_output(finished, "arguments ['--bind', 'two words']\n")

    def test_first_word_that_is_no_option_starts_the_program(self):
        self.assert_output(self.pivotbox("run", "echo", "--no-cwd", "--", "x"), "--no-cwd -- x\n")

    def test_standard_input_is_the_callers(self):
        self.write("input", "1\n2\n")
        with open(self.path("input"), encoding="utf-8") as file:
            self.assert_output(self.pivotbox("run", "wc", "-l", stdin=file), "2\n")

    def test_standard_output_can_be_opened_anew(self):
        finished = self.run_shell("echo out > /dev/stdout; echo err > /dev/stderr")
        self.assertEqual((finished.status, finished.output, finished.errors), (0, "out\n", "err\n"))
        self.assert_output(self.run_shell("cat /dev/stdin", input=b"in\n", stdin=None), "in\n")

    def test_a_pipe_can_be_opened_one_way_only(self):
        # Not so where the program has the caller's id: then the pipe is its own.
        through = "" if IS_ROOT else "through\n"
        self.assert_output(self.run_shell("(: < /dev/stdout) 2>/dev/null && echo through; true"), through)
        finished = self.run_shell("(: > /dev/stdin) 2>/dev/null && echo through; true", input=b"in\n", stdin=None)
        self.assert_output(finished, through)

    def test_program_has_a_name(self):
        for options in ([], ["--uid", "7"], ["--uid", "7", "--gid", "8"]):
            with self.subTest(options=options):
                self.assert_output(self.run_shell("id -un; id -gn", *options), "box\nbox\n")
        self.assert_output(self.run_shell("id -un; id -gn", "--uid", "0"), "root\nroot\n")

    def test_time_zone_has_its_name(self):
        link = os.path.realpath("/etc/localtime")
        if not link.startswith("/usr/share/zoneinfo/"):
            self.skipTest("the host's /etc/localtime is no link into /usr/share/zoneinfo")
        self.assert_output(self.run_shell("readlink -f /etc/localtime; date -u -d @0 +%s"), f"{link}\n0\n")

    def test_other_descriptors_are_closed(self):
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        self.addCleanup(os.close, writing)
        finished = self.run_shell("ls /proc/self/fd | wc -l", pass_fds=(reading, writing))
        self.assert_output(finished, "4\n")  # the three standard ones, and that of ls itself

    def test_signals_are_neither_held_back_nor_ignored(self):
        finished = self.run_shell("grep -E '^Sig(Blk|Ign)' /proc/self/status")
        self.assert_output(finished, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n")

    def test_tmp_is_fresh_and_writable(self):
        finished = self.run_shell("ls -A /tmp; echo x > /tmp/x && cat /tmp/x; ls -A ~", "--no-cwd")
        self.assert_output(finished, "x\nx\n")

    def test_there_is_no_core_dump(self):
        self.assert_output(self.run_shell("ulimit -c"), "0\n")


class CurrentDirectory(CommandLineTest):
    def test_is_the_same_and_read_only(self):
        self.write("file", "here\n")
        self.assert_output(self.run_shell("pwd; cat file"), f"{self.directory}\nhere\n")
        self.assert_fails_in_box(self.run_shell("echo x > file"), "Read-only file system")
        self.assertEqual(self.read("file"), "here\n")

    def test_can_be_written_when_asked_for(self):
        self.assert_output(self.run_shell("echo inside > new", "--write-cwd"), "")
        self.assertEqual(self.read("new"), "inside\n")
        self.assertEqual(os.stat(self.path("new")).st_uid, os.geteuid())

    def test_can_be_left_out(self):
        self.assert_output(self.run_shell(f"pwd; ls -d {self.directory} 2>/dev/null | wc -l", "--no-cwd"), "/\n0\n")

    def test_physical_path_counts(self):
        self.make_directory("real")
        os.symlink("real", self.path("link"))
        self.assert_output(self.run_shell("pwd -P", cwd=self.path("link")), self.path("real") + "\n")

    def test_tmp_itself(self):
        finished = self.run_shell("pwd", cwd="/tmp")
        self.assert_output(finished, "/tmp\n")

    def test_directories_of_the_system_that_the_root_has(self):
        for directory in ("/", "/usr", "/usr/bin"):
            with self.subTest(directory=directory):
                self.assert_output(self.run_shell("pwd", cwd=directory), f"{directory}\n")

    def test_directories_of_the_system_that_are_not_shown(self):
        for directory in ("/etc", "/etc/ssl", "/proc", "/proc/self", "/dev", "/dev/pts", "/sys"):
            with self.subTest(directory=directory):
                finished = self.run_shell(f"echo {RAN}", cwd=directory)
                self.assert_refused(finished, 125, "current directory", "is not shown in the box")
                self.assertIn("--no-cwd", finished.errors)
                for options, inside in ((["--no-cwd"], "/"), (["--chdir", "/usr"], "/usr")):
                    self.assert_output(self.run_shell("pwd", *options, cwd=directory), f"{inside}\n")

    def test_directory_of_the_system_is_not_made_writable(self):
        finished = self.run_shell(f"echo {RAN}", "--write-cwd", cwd="/usr/share")
        self.assert_refused(finished, 125, "--write-cwd", "/usr/share")

    def test_one_that_cannot_be_entered_is_said_so(self):
        closed = self.make_directory("closed")
        self.addCleanup(os.chmod, closed, 0o700)
        words = ["sh", "-c", 'chmod 600 . && exec "$@"', "sh", command(), "run", "echo", RAN]
        finished = self.run_outside(words, cwd=closed)
        self.assert_refused(finished, 125, "working directory", closed, "Permission denied")
        self.assertIn("--no-cwd", finished.errors)

    def test_one_with_too_long_a_path_is_said_so(self):
        script = """
import os, sys
for _ in range(25):
    os.mkdir("x" * 200)
    os.chdir("x" * 200)
os.execv(sys.argv[1], sys.argv[1:])
"""
        finished = self.run_outside([sys.executable, "-c", script, command(), "run", "echo", RAN])
        self.assert_refused(finished, 125, "current directory", "Numerical result out of range")
        self.assertIn("hint: its path has more than 4095 bytes", finished.errors)
        self.assertIn("--no-cwd", finished.errors)

    def test_tmp_covers_the_temporary_directory_of_the_box(self):
        self.assert_fails_in_box(self.run_shell("echo x > /tmp/x", cwd="/tmp"), "Read-only file system")
        self.assert_output(self.run_shell("echo x > /tmp/x; ls /tmp", "--no-cwd", cwd="/tmp"), "x\n")

    def test_removed_one_is_said_so(self):
        directory = self.make_directory("removed")
        script = 'rmdir "$PWD" && exec "$@"'
        for options in ([], ["--no-cwd", "--ro-bind", "x:/x"]):
            with self.subTest(options=options):
                os.makedirs(directory, exist_ok=True)
                words = [command(), "run", *options, "echo", RAN]
                finished = self.run_outside(["sh", "-c", script, "sh", *words], cwd=directory)
                self.assert_refused(finished, 125, "current directory", "No such file or directory")

    def test_removed_one_does_not_matter_when_left_out(self):
        directory = self.make_directory("removed")
        words = [command(), "run", "--no-cwd", "pwd"]
        finished = self.run_outside(["sh", "-c", 'rmdir "$PWD" && exec "$@"', "sh", *words], cwd=directory)
        self.assert_output(finished, "/\n")

    def test_chdir(self):
        self.assert_output(self.run_shell("pwd", "--chdir", "/usr/lib"), "/usr/lib\n")
        self.assert_output(self.run_shell("pwd", "--dir", "/a/b", "--chdir", "/a/b"), "/a/b\n")

    def test_chdir_to_nothing_is_refused(self):
        finished = self.run_shell(f"echo {RAN}", "--chdir", "/nothing")
        self.assert_refused(finished, 125, "working directory", "/nothing", "No such file or directory")


class Root(CommandLineTest):
    def setUp(self):
        super().setUp()
        self.write("root/etc/os-release", "NAME=test\n")
        self.write("root/marker", "this root\n")
        self.make_directory("root/usr")
        for name in LINKS_TO_USR:
            os.symlink("usr/" + name, self.path("root/" + name))

    def root_options(self):
        return ("--root", "root", "--ro-bind", "/usr")

    def test_unpacked_directory(self):
        finished = self.run_shell("pwd; cat /marker /etc/os-release; ls /etc", *self.root_options())
        self.assert_output(finished, "/\nthis root\nNAME=test\nos-release\n")

    def test_unpacked_directory_is_read_only(self):
        finished = self.run_shell("echo x > /marker", *self.root_options())
        self.assert_fails_in_box(finished, "Read-only file system")
        self.assertEqual(self.read("root/marker"), "this root\n")

    def test_current_directory_is_not_in_it_unless_asked_for(self):
        self.assert_output(self.run_shell(f"ls -d {self.directory} 2>/dev/null | wc -l", *self.root_options()), "0\n")
        finished = self.run_shell("pwd; echo x > new", "--write-cwd", *self.root_options())
        self.assert_output(finished, f"{self.directory}\n")
        self.assertEqual(self.read("new"), "x\n")

    def test_missing_directory_is_refused(self):
        finished = self.run_shell(f"echo {RAN}", "--root", "nothing")
        self.assert_refused(finished, 125, "--root nothing", "No such file or directory")

    def test_no_default_root_is_empty(self):
        links = [f"--symlink=usr/{name}:/{name}" for name in LINKS_TO_USR]
        finished = self.run_shell("cd / && echo *", "--no-default-root", "--ro-bind", "/usr", *links)
        self.assert_output(finished, " ".join(sorted(["usr", *LINKS_TO_USR])) + "\n")

    def test_no_default_root_alone_has_no_program(self):
        finished = self.pivotbox("run", "--no-default-root", "/bin/sh")
        self.assert_refused(finished, 127, "/bin/sh", "not found")


class Environment(CommandLineTest):
    KEPT = {"TERM": "dumb", "LANG": "C", "TZ": "UTC", "LC_ALL": "C"}
    CALLER = {"PATH": "/nonsense", "HOME": "/root", "SECRET": "s", **KEPT}
    SEARCH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    def environment_with(self, *options, caller=None):
        finished = self.pivotbox("run", *options, "env", environment=self.CALLER if caller is None else caller)
        self.assertEqual((finished.status, finished.errors), (0, ""), finished)
        return sorted(finished.output.splitlines())

    def test_default(self):
        expected = sorted([self.SEARCH, "HOME=/tmp", *(f"{name}={value}" for name, value in self.KEPT.items())])
        self.assertEqual(self.environment_with(), expected)
        self.assertEqual(self.environment_with(caller={}), sorted([self.SEARCH, "HOME=/tmp"]))

    def test_setenv_and_keep_env_in_order(self):
        options = ("--setenv", "A=1=2", "--setenv", "EMPTY=", "--keep-env", "SECRET", "--keep-env", "UNKNOWN")
        self.assertEqual(
            self.environment_with(*options, caller={"SECRET": "s"}),
            sorted([self.SEARCH, "HOME=/tmp", "A=1=2", "EMPTY=", "SECRET=s"]),
        )
        self.assertIn("SECRET=mine", self.environment_with("--keep-env", "SECRET", "--setenv", "SECRET=mine"))
        self.assertIn("SECRET=s", self.environment_with("--setenv", "SECRET=mine", "--keep-env", "SECRET"))

    def test_setenv_replaces_a_default(self):
        self.assertEqual(
            self.environment_with("--setenv", "HOME=/", "--setenv", "PATH=/bin", caller={}), ["HOME=/", "PATH=/bin"]
        )


class FirstProcess(CommandLineTest):
    def test_is_an_init_by_default(self):
        for options in ([], ["--pid1", "init"]):
            with self.subTest(options=options):
                finished = self.run_shell("test $$ -ne 1 && echo an ordinary process", *options)
                self.assert_output(finished, "an ordinary process\n")

    def test_can_be_the_program(self):
        self.assert_output(self.run_shell("echo $$; cat /proc/1/comm", "--pid1", "program"), "1\nsh\n")


if __name__ == "__main__":
    main()
