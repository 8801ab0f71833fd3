#!/usr/bin/env python3
"""The rules for paths: how the command line reads them, and that they reach the box."""

import sys

sys.dont_write_bytecode = True

import os

from command_line import CommandLineTest, main


class PathRules(CommandLineTest):
    def setUp(self):
        super().setUp()
        self.write("project/.env", "SECRET\n")
        self.write("project/src/key.pem", "SECRET\n")
        self.write("project/src/main.c", "code\n")
        self.write("project/[id].ts", "SECRET\n")
        os.chmod(self.path("project"), 0o755)

    def shell(self, script, *options):
        return self.pivotbox("run", "--ro-bind", "project:" + self.path("project"), *options, "--", "sh", "-c",
                             "cd project; " + script)

    def test_relative_paths_start_at_the_current_directory(self):
        for path in ("project/.env", "./project/.env", "project/./.env", "project/.e*", self.path("project/.env")):
            with self.subTest(path=path):
                finished = self.shell("cat .env; cat src/main.c", "--deny", path)
                self.assertEqual(finished.output, "code\n", finished)
                self.assertIn("No such file", finished.errors)

    def test_a_file_named_like_a_pattern_is_meant_too(self):
        finished = self.shell("ls", "--deny", "project/[id].ts")
        self.assertEqual(finished.output, "src\n", finished)

    def test_a_current_directory_named_like_a_pattern(self):
        self.write("p*[q]/key", "SECRET\n")
        directory = self.path("p*[q]")
        os.chmod(directory, 0o755)
        finished = self.pivotbox("run", "--deny", "key", "--", "cat", "key", cwd=directory)
        self.assertEqual((finished.status, finished.output), (1, ""), finished)

    def test_rules_from_a_file(self):
        self.write("list", "# secrets\n\nproject/.env\nproject/**/*.pem\n")
        finished = self.shell("ls -A . src", "--deny-from", "list")
        self.assertEqual(finished.output, ".:\n[id].ts\nsrc\n\nsrc:\nmain.c\n", finished)
        self.write("list", "project/.env\r\n\r\nproject/src\r\n")
        self.assert_output(self.shell("ls -A", "--deny-from", "list"), "[id].ts\n")
        self.write("list", "project/.env\nproject/[x\n")
        finished = self.shell("true", "--deny-from", "list")
        self.assertEqual(finished.status, 125, finished)
        self.assertIn("--deny-from list, line 2: ", finished.errors)

    def test_access(self):
        self.pivotbox("run", "--write-cwd", "--read-only", "project", "--write", "project/s*", "--deny", "project/none",
                      "--", "sh", "-c", "echo x > new; echo x > project/new; echo x > project/src/new")
        self.assertTrue(os.path.exists(self.path("new")))
        self.assertTrue(os.path.exists(self.path("project/src/new")))
        self.assertFalse(os.path.exists(self.path("project/new")))

    def test_a_rule_that_cannot_hold_is_named_in_the_words_of_the_command_line(self):
        for option, path, remedy in (("--deny", "none", "--read-only"), ("--deny", "*.pem", "--deny-existing"),
                                     ("--read-only", "none", "read-only"), ("--write", "none", "make it")):
            with self.subTest(option=option, path=path):
                finished = self.pivotbox("run", "--write-cwd", option, path, "--", "true")
                self.assertEqual(finished.status, 125, finished)
                self.assertIn(f"{option} {path}: ", finished.errors)
                self.assertIn(remedy, finished.errors)
        self.assertEqual(sorted(os.listdir(self.directory)), ["project"])

    def test_advice_speaks_of_options(self):
        finished = self.pivotbox("run", "--write", "/none", "--", "true")
        self.assertEqual(finished.status, 125, finished)
        self.assertIn("hint: bind it: --bind\n", finished.errors)


if __name__ == "__main__":
    main()
