#!/usr/bin/env python3
"""Every mount option, seen from inside the box."""

import sys

sys.dont_write_bytecode = True

import os
import stat

from command_line import IS_ROOT, NOBODY, RAN, CommandLineTest, main


class Bind(CommandLineTest):
    def setUp(self):
        super().setUp()
        self.write("data/file", "from the host\n")

    def test_read_only_bind_can_be_read_and_not_written(self):
        options = ("--ro-bind", self.path("data") + ":/mnt")
        self.assert_output(self.run_shell("cat /mnt/file", *options), "from the host\n")
        self.assert_fails_in_box(self.run_shell("echo x > /mnt/new", *options), "Read-only file system")
        self.assertEqual(os.listdir(self.path("data")), ["file"])

    def test_bind_can_be_written_and_belongs_to_the_caller(self):
        self.assert_output(self.run_shell("echo inside > /mnt/new", "--bind", self.path("data") + ":/mnt"), "")
        self.assertEqual(self.read("data/new"), "inside\n")
        self.assertEqual(os.stat(self.path("data/new")).st_uid, os.geteuid())

    def test_bind_of_a_file(self):
        self.assert_output(self.run_shell("echo more >> /f", "--bind", self.path("data/file") + ":/f"), "")
        self.assertEqual(self.read("data/file"), "from the host\nmore\n")

    def test_target_is_the_source_by_default(self):
        finished = self.run_shell(f"cat {self.path('data/file')}", "--no-cwd", "--ro-bind", self.path("data"))
        self.assert_output(finished, "from the host\n")

    def test_relative_source_is_below_the_current_directory(self):
        for source in ("data", "./data", ".//data", "data/."):
            with self.subTest(source=source):
                self.assert_output(self.run_shell("cat /mnt/file", "--ro-bind", source + ":/mnt"), "from the host\n")

    def test_leading_dots_are_taken_off_the_current_directory(self):
        below = self.make_directory("below/deeper")
        for source in ("../../data", "./../../data", "../.././data", "..//..//data"):
            with self.subTest(source=source):
                finished = self.run_shell(f"cat {self.path('data/file')}", "--ro-bind", source, cwd=below)
                self.assert_output(finished, "from the host\n")

    def test_later_dots_are_refused(self):
        finished = self.run_shell(f"echo {RAN}", "--ro-bind", "data/../data:/mnt")
        self.assert_refused(finished, 125, "--ro-bind data/../data:/mnt", '".."')

    def test_source_is_no_symbolic_link(self):
        """The program of an earlier box may have planted it."""
        os.symlink("data", self.path("link"))
        for option, source in (("--ro-bind", "link"), ("--bind", "link/sub"), ("--file", "link/file")):
            finished = self.run_shell(f"echo {RAN}", option, f"{source}:/mnt")
            self.assert_refused(finished, 125, f"{option} {source}:/mnt", "symbolic links")
            self.assertIn(f"real path, {self.path('data')}" if option == "--ro-bind" else "real path", finished.errors)

    def test_a_link_directly_in_the_root_is_none(self):
        parts = [part for part in ("/usr", "/bin", "/lib", "/lib64") if os.path.exists(part)]
        options = ["--no-default-root", "--no-cwd"]
        for part in parts:
            options += ["--ro-bind", part]
        self.assert_output(self.pivotbox("run", *options, "--", "/bin/echo", RAN), RAN + "\n")

    def test_colon_in_a_path(self):
        self.write("a:b/file", "colon\n")
        self.write("c\\/file", "backslash\n")
        self.assert_output(self.run_shell("cat /m:n/file", "--ro-bind", r"a\:b:/m\:n"), "colon\n")
        self.assert_output(self.run_shell("cat /mnt/file", "--ro-bind", "c\\\\:/mnt"), "backslash\n")

    def test_value_after_an_equals_sign(self):
        self.assert_output(self.run_shell("cat /mnt/file", "--ro-bind=data:/mnt"), "from the host\n")

    def test_missing_source_is_named_by_its_option(self):
        finished = self.run_shell(f"echo {RAN}", "--ro-bind", "nothing:/mnt")
        self.assert_refused(finished, 125, "--ro-bind nothing:/mnt", "No such file or directory")
        self.assertEqual(os.listdir(self.directory), ["data"])

    def test_target_with_dots_is_named_by_its_option(self):
        finished = self.run_shell(f"echo {RAN}", "--bind", "data:/mnt/../../etc")
        self.assert_refused(finished, 125, "--bind data:/mnt/../../etc", '".."')


class Order(CommandLineTest):
    def test_later_mounts_cover_earlier_ones(self):
        self.write("data/file", "from the host\n")
        self.assert_output(self.run_shell("ls -A /mnt", "--ro-bind", "data:/mnt", "--tmpfs", "/mnt"), "")
        self.assert_output(self.run_shell("ls -A /mnt", "--tmpfs", "/mnt", "--ro-bind", "data:/mnt"), "file\n")

    def test_mounts_come_after_the_default_root(self):
        self.assert_output(self.run_shell("ls -A /usr/share", "--tmpfs", "/usr/share"), "")


class Made(CommandLineTest):
    def test_tmpfs_has_the_settings_given(self):
        script = "echo x > /mnt/x && stat -f -c '%b %S %c' /mnt && stat -c %a /mnt"
        finished = self.run_shell(script, "--tmpfs", "/mnt:size=1M,inodes=64,mode=1777")
        self.assert_output(finished, f"{2**20 // 4096} 4096 64\n1777\n")

    def test_tmpfs_size_holds(self):
        finished = self.run_shell("head -c 100000 /dev/zero > /mnt/big", "--tmpfs", "/mnt:size=64k")
        self.assert_fails_in_box(finished, "No space left on device")

    def test_tmpfs_of_no_size_is_refused(self):
        finished = self.run_shell(f"echo {RAN}", "--tmpfs", "/mnt:size=0")
        self.assert_refused(finished, 125, "--tmpfs /mnt:size=0")

    def test_directory(self):
        script = "stat -c '%a %F' /a/b /c && rmdir /a/b 2>&1 | grep -c Read-only"
        finished = self.run_shell(script, "--dir", "/a/b", "--dir", "/c:mode=0700")
        self.assert_output(finished, "755 directory\n700 directory\n1\n")

    def test_file_is_a_copy(self):
        self.write("secret", "contents\n", mode=0o600)
        self.write("script", "#!/bin/sh\necho ran\n")
        options = ("--no-cwd", "--file", "secret:/run/copy", "--file", "script:/bin/script:mode=0555")
        finished = self.run_shell("cat /run/copy; stat -c %a /run/copy", *options[:3])
        self.assert_output(finished, "contents\n644\n")
        finished = self.run_shell("/opt/script; stat -c %a /opt/script", "--file", "script:/opt/script:mode=0555")
        self.assert_output(finished, "ran\n555\n")
        self.assert_fails_in_box(self.run_shell("echo x > /run/copy", *options[:3]), "")
        self.assertEqual(self.read("secret"), "contents\n")

    def test_file_keeps_every_byte(self):
        contents = bytes(range(256)) * 1024
        with open(self.path("bytes"), "wb") as file:
            file.write(contents)
        finished = self.run_shell(f"cmp /copy {self.path('bytes')} && wc -c < /copy", "--file", "bytes:/copy")
        self.assert_output(finished, f"{len(contents)}\n")

    def test_file_must_be_a_regular_one_that_can_be_read(self):
        os.mkfifo(self.path("fifo"))
        with open(self.path("large"), "wb") as file:
            file.truncate(2**24 + 1)
        for source, why in (
            ("nothing", "No such file or directory"),
            (".", "not a regular file"),
            ("fifo", "not a regular file"),
            ("/dev/zero", "not a regular file"),
            ("large", "larger than 16 MiB"),
        ):
            with self.subTest(source=source):
                finished = self.run_shell(f"echo {RAN}", "--file", source + ":/copy")
                self.assert_refused(finished, 125, f"--file {source}:/copy", why)

    def test_symlink(self):
        self.assert_output(self.run_shell("readlink /a/link", "--symlink", "../else where:/a/link"), "../else where\n")

    def test_mask_hides_a_file_and_a_directory(self):
        self.write("data/file", "secret\n")
        self.write("data/directory/file", "secret\n")
        options = ("--bind", "data:/mnt", "--mask", "/mnt/file", "--mask", "/mnt/directory")
        self.assert_output(self.run_shell("cat /mnt/file; ls -A /mnt/directory", *options), "")
        self.assert_fails_in_box(self.run_shell("echo x > /mnt/directory/new", *options), "")
        self.assertEqual(self.read("data/file"), "secret\n")

    def test_mask_of_nothing_is_refused(self):
        self.assert_refused(self.run_shell(f"echo {RAN}", "--mask", "/nothing"), 125, "--mask /nothing")

    def test_remount_read_only(self):
        self.make_directory("data")
        options = ("--bind", "data:/mnt", "--remount-ro", "/mnt")
        self.assert_fails_in_box(self.run_shell("echo x > /mnt/new", *options), "Read-only file system")

    def test_proc_shows_the_box_only(self):
        finished = self.run_shell("ls -d /a/[0-9]* | wc -l", "--proc", "/a")
        self.assertEqual(finished.status, 0, finished)
        self.assertLess(int(finished.output), 8)
        self.assert_fails_in_box(self.run_shell("echo x > /a/sys/kernel/hostname", "--proc", "/a"), "")

    def test_dev_has_the_usual_devices(self):
        script = "cd /a && ls -d null zero full random urandom tty | wc -l; head -c1 zero"
        finished = self.run_shell(script, "--dev", "/a")
        self.assert_output(finished, "6\n\0")

    def test_mqueue(self):
        finished = self.run_shell("grep -c ' /a .* - mqueue ' /proc/self/mountinfo; ls -A /a", "--mqueue", "/a")
        self.assert_output(finished, "1\n")


class Overlay(CommandLineTest):
    def setUp(self):
        super().setUp()
        self.write("top/both", "top\n")
        self.write("bottom/both", "bottom\n")
        self.write("bottom/only", "only\n")

    def test_changes_are_thrown_away(self):
        script = "cat /mnt/both /mnt/only; echo x > /mnt/new && rm /mnt/only && ls /mnt"
        self.assert_output(self.run_shell(script, "--overlay", "top:bottom:/mnt"), "top\nonly\nboth\nnew\n")
        self.assertEqual(os.listdir(self.path("top")), ["both"])
        self.assertEqual(sorted(os.listdir(self.path("bottom"))), ["both", "only"])

    def test_read_only(self):
        self.assert_output(self.run_shell("cat /mnt/both /mnt/only", "--overlay-ro", "top:bottom:/mnt"), "top\nonly\n")
        finished = self.run_shell("echo x > /mnt/new", "--overlay-ro", "top:bottom:/mnt")
        self.assert_fails_in_box(finished, "Read-only file system")

    def test_changes_are_kept(self):
        options = ["--overlay-keep", "upper:work:top:bottom:/mnt"]
        self.make_directory("upper")
        self.make_directory("work")
        if IS_ROOT:  # somebody has to own the changes, and may change what is his only
            options += ["--uid-map", f"0:{NOBODY}", "--gid-map", f"0:{NOBODY}"]
            for name in ("upper", "work", "top", "top/both"):
                os.chown(self.path(name), NOBODY, NOBODY)
        self.assert_output(self.run_shell("echo changed > /mnt/both; rm /mnt/only; ls /mnt", *options), "both\n")
        self.assertEqual(self.read("upper/both"), "changed\n")
        self.assertTrue(stat.S_ISCHR(os.lstat(self.path("upper/only")).st_mode), "a whiteout hides what was removed")
        self.assertEqual(self.read("bottom/only"), "only\n")
        self.assert_output(self.run_shell("cat /mnt/both", *options), "changed\n")

    def test_changes_need_a_place_and_an_owner(self):
        self.make_directory("upper")
        finished = self.run_shell(f"echo {RAN}", "--overlay-keep", "upper:nothing:top:/mnt")
        self.assert_refused(finished, 125, "--overlay-keep upper:nothing:top:/mnt")
        # Whose they are has to be said by root, and is told before anything is looked at.
        self.assertIn("hint: set --uid-map and --gid-map" if IS_ROOT else "No such file", finished.errors)

    def test_missing_lower_directory_is_named_by_its_option(self):
        finished = self.run_shell(f"echo {RAN}", "--overlay", "top:nothing:/mnt")
        self.assert_refused(finished, 125, "--overlay top:nothing:/mnt", "No such file or directory")


if __name__ == "__main__":
    main()
