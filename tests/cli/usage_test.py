#!/usr/bin/env python3
"""Wrong command lines: one line names what is wrong, status 2, and nothing is started or created."""

import sys

sys.dont_write_bytecode = True

import glob
import os
import re

from command_line import RAN, CommandLineTest, main

HERE = os.path.dirname(os.path.abspath(__file__))

# The words of a command line, and what its refusal has to say.
WRONG = [
    ([], "no verb given"),
    (["rn", "true"], "'rn'", "did you mean 'run'?"),
    (["python3", "x.py"], "'python3'", "pivotbox run -- PROGRAM"),
    (["--bind", "/x", "run", "true"], "'--bind'"),
    (["run"], "no program given"),
    (["run", "--"], "no program given"),
    (["explain"], "no program given"),
    (["run", ""], "program's name is empty"),
    (["run", "-x", "true"], "'-x'"),
    (["run", "--ro-bnd", "/x", "true"], "'--ro-bnd'", "did you mean '--ro-bind'?"),
    (["run", "--tmieout=2s", "true"], "'--tmieout'", "did you mean '--timeout'?"),
    (["run", "--zzzzzzzz", "true"], "'--zzzzzzzz'"),
    (["run", "--bin"], "'--bin'", "did you mean '--bind'?"),
    (["run", "--bind"], "--bind", "needs a value", "SRC[:DST]"),
    (["run", "--bind=", "true"], "--bind", "needs a value", "SRC[:DST]"),
    (["run", "--chdir", "", "true"], "--chdir", "needs a value", "DIR"),
    (["run", "--report", "--", "true"], "--report", "needs a value"),
    (["run", "--hostname", "--timing", "true"], "--hostname", "needs a value"),
    (["run", "--deny", "--timeout=1s", "true"], "--deny", "needs a value"),
    (["learn", "--output", "x", "--report", "x", "true"], "--report", "--output", "same file"),
    (["learn", "--report", "learned.policy", "true"], "--report", "--output", "same file"),
    (["run", "--write-cwd=yes", "true"], "--write-cwd", "takes no value"),
    (["run", "--help=yes", "true"], "--help", "takes no value"),
    # Combinations.
    (["run", "--root", "/", "--no-default-root", "true"], "--no-default-root", "--root"),
    (["run", "--no-default-root", "--root", "/", "true"], "--root", "--no-default-root"),
    (["run", "--no-cwd", "--write-cwd", "true"], "--write-cwd", "--no-cwd"),
    (["run", "--write-cwd", "--no-cwd", "true"], "--no-cwd", "--write-cwd"),
    (["run", "--format", "text", "true"], "--format", "explain"),
    (["run", "--gid", "5", "true"], "--gid", "--uid"),
    (["run", "--uid-map", "0:1000", "true"], "--uid-map", "--gid-map"),
    (["run", "--gid-map", "0:1000", "true"], "--gid-map", "--uid-map"),
    (["run", "--no-landlock", "--require", "landlock", "true"], "--no-landlock", "--require landlock"),
    (["run", "--require", "everything", "--no-landlock", "true"], "--no-landlock", "--require everything"),
    (["run", "--tcp-bind", "80", "--no-landlock", "true"], "--no-landlock", "--tcp-bind"),
    (["run", "--no-landlock", "--tcp-connect", "none", "true"], "--no-landlock", "--tcp-connect"),
    (["run", "--policy", "none", "--watch-denials", "true"], "--watch-denials", "--policy none"),
    (["run", "--tcp-bind", "none", "--tcp-bind", "80", "true"], "--tcp-bind '80'", "contradicts 'none'"),
    (["run", "--tcp-connect", "80", "--tcp-connect", "none", "true"], "--tcp-connect 'none'", "contradicts the ports"),
    # Mounts.
    (["run", "--bind", ":/x", "true"], "--bind", "':/x'", "empty part"),
    (["run", "--bind", "/x:", "true"], "--bind", "'/x:'", "empty part"),
    (["run", "--bind", "/x:/y:/z", "true"], "--bind", "too many parts", r"'\:'"),
    (["run", "--bind", "/x:y", "true"], "--bind", "'y'", "absolute path"),
    (["run", "--ro-bind", "/x:y", "true"], "--ro-bind", "'y'", "absolute path"),
    (["run", "--tmpfs", "x", "true"], "--tmpfs", "'x'", "absolute path"),
    (["run", "--tmpfs", "/x:size", "true"], "--tmpfs", "'size'", "needs a value"),
    (["run", "--tmpfs", "/x:sise=1M", "true"], "--tmpfs", "'sise'", "did you mean 'size'?"),
    (["run", "--tmpfs", "/x:size=", "true"], "--tmpfs", "''", "size"),
    (["run", "--tmpfs", "/x:size=-1", "true"], "--tmpfs", "'-1'", "size"),
    (["run", "--tmpfs", "/x:size=1Mb", "true"], "--tmpfs", "'1Mb'", "size"),
    (["run", "--tmpfs", "/x:size=1.5M", "true"], "--tmpfs", "'1.5M'", "size"),
    (["run", "--tmpfs", "/x:size= 1", "true"], "--tmpfs", "' 1'", "size"),
    (["run", "--tmpfs", "/x:size=M", "true"], "--tmpfs", "'M'", "size"),
    (["run", "--tmpfs", "/x:size=0x10", "true"], "--tmpfs", "'0x10'", "size"),
    (["run", "--tmpfs", "/x:size=18446744073709551616", "true"], "--tmpfs", "'18446744073709551616'", "too large"),
    (["run", "--tmpfs", "/x:size=16777216T", "true"], "--tmpfs", "'16777216T'", "too large"),
    (["run", "--tmpfs", "/x:size=1M,", "true"], "--tmpfs", "''"),
    (["run", "--tmpfs", "/x:mode=888", "true"], "--tmpfs", "'888'", "octal"),
    (["run", "--tmpfs", "/x:mode=17777", "true"], "--tmpfs", "'17777'", "octal"),
    (["run", "--tmpfs", "/x:inodes=many", "true"], "--tmpfs", "'many'"),
    (["run", "--dir", "x", "true"], "--dir", "'x'", "absolute path"),
    (["run", "--dir", "/x:size=1M", "true"], "--dir", "'size'"),
    (["run", "--dir", "/x:mode=", "true"], "--dir", "''", "octal"),
    (["run", "--file", "/x", "true"], "--file", "'/x'", "not complete"),
    (["run", "--file", "/x:y", "true"], "--file", "'y'", "absolute path"),
    (["run", "--symlink", "x", "true"], "--symlink", "'x'", "not complete"),
    (["run", "--symlink", "x:y", "true"], "--symlink", "'y'", "absolute path"),
    (["run", "--mask", "x", "true"], "--mask", "'x'", "absolute path"),
    (["run", "--mask", "/x:/y", "true"], "--mask", "too many parts"),
    (["run", "--remount-ro", "x", "true"], "--remount-ro", "'x'", "absolute path"),
    (["run", "--proc", "x", "true"], "--proc", "'x'", "absolute path"),
    (["run", "--proc", "/x:subset=pid,", "true"], "--proc", "''"),
    (["run", "--dev", "x", "true"], "--dev", "'x'", "absolute path"),
    (["run", "--mqueue", "x", "true"], "--mqueue", "'x'", "absolute path"),
    (["run", "--overlay", "/x", "true"], "--overlay", "'/x'", "not complete"),
    (["run", "--overlay", "/x:y", "true"], "--overlay", "'y'", "absolute path"),
    (["run", "--overlay-ro", "/x", "true"], "--overlay-ro", "'/x'", "not complete"),
    (["run", "--overlay-keep", "/x:/y:/z", "true"], "--overlay-keep", "'/x:/y:/z'", "not complete"),
    # Program.
    (["run", "--chdir", "x", "true"], "--chdir", "'x'", "absolute path"),
    (["run", "--setenv", "NAME", "true"], "--setenv", "'NAME'", "NAME=VALUE"),
    (["run", "--setenv", "=value", "true"], "--setenv", "'=value'", "NAME=VALUE"),
    (["run", "--keep-env", "NAME=value", "true"], "--keep-env", "'NAME=value'", "--setenv"),
    (["run", "--pid1", "prgram", "true"], "--pid1", "'prgram'", "did you mean 'program'?"),
    # Network, identity and privileges.
    (["run", "--net", "hots", "true"], "--net", "'hots'", "none, host", "did you mean 'host'?"),
    (["run", "--hostname", "x" * 65, "true"], "--hostname", "64"),
    (["run", "--uid", "-1", "true"], "--uid", "'-1'"),
    (["run", "--uid", "root", "true"], "--uid", "'root'"),
    (["run", "--uid", "4294967295", "true"], "--uid", "'4294967295'", "4294967294"),
    (["run", "--uid", "0", "--gid", "1 ", "true"], "--gid", "'1 '"),
    (["run", "--uid-map", "0", "true"], "--uid-map", "'0'", "INSIDE:HOST"),
    (["run", "--uid-map", "0:1:2:3", "true"], "--uid-map", "'0:1:2:3'", "INSIDE:HOST"),
    (["run", "--uid-map", "0:x", "true"], "--uid-map", "'x'"),
    (["run", "--uid-map", "0:1:0", "true"], "--uid-map", "0 ids"),
    (["run", "--gid-map", "0:99999999999999999999", "true"], "--gid-map", "'99999999999999999999'"),
    (["run", "--cap-keep", "NET_BIND_SERVCE", "true"], "--cap-keep", "did you mean 'net_bind_service'?"),
    (["run", "--cap-keep", "all", "true"], "--cap-keep", "'all'"),
    # Limits.
    (["run", "--timeout", "2", "true"], "--timeout", "'2'", "ms, s, m or h"),
    (["run", "--timeout", "s", "true"], "--timeout", "'s'", "ms, s, m or h"),
    (["run", "--timeout", ".5s", "true"], "--timeout", "'.5s'", "ms, s, m or h"),
    (["run", "--timeout", "1.s", "true"], "--timeout", "'1.s'", "ms, s, m or h"),
    (["run", "--timeout", "-1s", "true"], "--timeout", "'-1s'", "ms, s, m or h"),
    (["run", "--timeout", "1s2", "true"], "--timeout", "'1s2'", "ms, s, m or h"),
    (["run", "--timeout", "0s", "true"], "--timeout", "'0s'"),
    (["run", "--timeout", "0.0000000001s", "true"], "--timeout", "no time"),
    (["run", "--timeout", "9999999999999999999h", "true"], "--timeout", "too large"),
    (["run", "--timeout", "2562048h", "true"], "--timeout", "too large"),
    (["run", "--rlimit", "nofile", "true"], "--rlimit", "'nofile'", "NAME=SOFT[:HARD]"),
    (["run", "--rlimit", "nofiles=1", "true"], "--rlimit", "'nofiles'", "did you mean 'nofile'?"),
    (["run", "--rlimit", "sa=1", "true"], "--rlimit", "'sa'", "did you mean 'as'?"),
    (["run", "--rlimit", "nofile=", "true"], "--rlimit", "empty part"),
    (["run", "--rlimit", "nofile=1:2:3", "true"], "--rlimit", "NAME=SOFT[:HARD]"),
    (["run", "--rlimit", "nofile=-1", "true"], "--rlimit", "'-1'"),
    (["run", "--rlimit", "nofile=1k", "true"], "--rlimit", "'1k'"),
    (["run", "--rlimit", "nofile=2:1", "true"], "--rlimit", "soft limit"),
    (["run", "--rlimit", "as=16777216T", "true"], "--rlimit", "too large"),
    (["run", "--rlimit", "nofile=18446744073709551615", "true"], "--rlimit", "'18446744073709551615'"),
    # Results.
    (["run", "--report"], "--report", "needs a value"),
    (["run", "--timing=1", "true"], "--timing", "takes no value"),
    (["explain", "--format", "yaml", "true"], "--format", "'yaml'", "text, json, mermaid"),
]


class WrongCommandLine(CommandLineTest):
    def test_is_refused_in_one_line_and_starts_nothing(self):
        for words, *expected in WRONG:
            runs = ["sh", "-c", f"echo {RAN}"] if words[-1:] == ["true"] else words[-1:]
            with self.subTest(words=words):
                finished = self.pivotbox(*words[:-1], *runs)
                self.assert_refused(finished, 2, *expected)
                self.assertEqual(len(finished.errors.splitlines()), 1)
                self.assertEqual(os.listdir(self.directory), [])

    def test_nothing_is_suggested_that_is_not_close(self):
        for words in (["--bogus"], ["--foo"], ["--rlimit", "cap=1"], ["--net", "hose-pipe"], ["--tmpfs", "/x:nose=1"]):
            with self.subTest(words=words):
                finished = self.pivotbox("run", *words, "true")
                self.assert_refused(finished, 2, "'" + words[-1].rpartition(":")[2].partition("=")[0] + "'")
                self.assertNotIn("did you mean", finished.errors)

    def test_report_file_is_not_created(self):
        self.assert_refused(self.pivotbox("run", "--report", "record.json", "--timeout", "x", "true"), 2, "--timeout")
        self.assertEqual(os.listdir(self.directory), [])

    def test_message_cannot_steer_a_terminal(self):
        finished = self.pivotbox("run", "--chdir", "\x1b[31m\n\u009b1m\udcff\u00e4", "true")
        self.assertEqual(finished.status, 2)
        self.assertEqual(finished.errors.count("\n"), 1)
        self.assertIn(r"\x1b[31m\x0a\xc2\x9b1m\xff" + "\u00e4", finished.errors)

    def test_option_value_may_look_like_an_option(self):
        self.assert_refused(self.pivotbox("run", "--chdir", "--no-such-option", "true"), 2, "'--no-such-option'")
        self.assert_refused(self.pivotbox("run", "--chdir=--help", "true"), 2, "--chdir", "'--help'")
        self.assert_refused(self.pivotbox("run", "--chdir=--", "true"), 2, "--chdir", "'--'")


class Help(CommandLineTest):
    def test_screen_is_the_expected_one(self):
        with open(os.path.join(HERE, "expected", "help.txt"), encoding="utf-8") as file:
            expected = file.read()
        for words in (["--help"], ["-h"], ["help"], ["run", "--help"], ["run", "--net", "host", "-h", "--nonsense"]):
            with self.subTest(words=words):
                self.assert_output(self.pivotbox(*words), expected)

    def test_fits_a_wide_terminal(self):
        longest = max(self.pivotbox("--help").output.splitlines(), key=len)
        self.assertLessEqual(len(longest), 120, longest)

    def test_version(self):
        for words in (["--version"], ["run", "--version"]):
            with self.subTest(words=words):
                finished = self.pivotbox(*words)
                self.assertRegex(finished.output, r"\Apivotbox \d+\.\d+\.\d+\n\Z")
                self.assertEqual((finished.status, finished.errors), (0, ""))

    def test_every_option_has_a_test(self):
        options = re.findall(r"^  (--[a-z0-9-]+)", self.pivotbox("--help").output, re.MULTILINE)
        self.assertGreater(len(options), 30)
        tests = ""
        for name in glob.glob(os.path.join(HERE, "*_test.py")):
            with open(name, encoding="utf-8") as file:
                tests += "" if name.endswith("usage_test.py") else file.read()
        untested = {option for option in options if f'"{option}"' not in tests}
        self.assertEqual(untested, set())


if __name__ == "__main__":
    main()
