#!/usr/bin/env python3
"""Network, identity, privileges and limits."""

import sys

sys.dont_write_bytecode = True

import os
import socket

from command_line import IS_ROOT, NOBODY, RAN, CommandLineTest, command, main


class Network(CommandLineTest):
    def interfaces(self, *options):
        finished = self.run_shell("tail -n +3 /proc/net/dev | cut -d: -f1", *options)
        self.assertEqual((finished.status, finished.errors), (0, ""), finished)
        return finished.output.split()

    def test_is_loopback_only_by_default(self):
        for options in ([], ["--net", "none"]):
            with self.subTest(options=options):
                self.assertEqual(self.interfaces(*options), ["lo"])

    def test_loopback_is_up(self):
        script = "import socket; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname())"
        self.assert_output(self.pivotbox("run", "python3", "-c", script), "")

    def test_host_network_can_be_had(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            script = f"import socket; socket.create_connection(('127.0.0.1', {server.getsockname()[1]}))"
            self.assert_output(self.pivotbox("run", "--net", "host", "python3", "-c", script), "")
            self.assert_fails_in_box(self.pivotbox("run", "python3", "-c", script), "Connection refused")


    def test_names_are_looked_up_where_the_network_is(self):
        for path in ("/etc/hosts", "/etc/resolv.conf"):
            if not os.path.exists(path):
                continue
            with open(path, encoding="utf-8") as file:
                self.assert_output(self.pivotbox("run", "--net", "host", "cat", path), file.read())
        finished = self.run_shell("cat /etc/hosts; test ! -e /etc/resolv.conf")
        self.assert_output(finished, "127.0.0.1 localhost pivotbox\n::1 localhost\n")


class Name(CommandLineTest):
    def test_host_has_a_name_of_its_own(self):
        self.assert_output(self.run_shell("uname -n"), "pivotbox\n")
        self.assert_output(self.run_shell("uname -n", "--hostname", "judge-7"), "judge-7\n")
        self.assert_output(self.run_shell("uname -n", "--hostname", "n" * 64), "n" * 64 + "\n")


class Identity(CommandLineTest):
    def test_default_is_unprivileged(self):
        expected = "1000 1000" if IS_ROOT else f"{os.geteuid()} {os.getegid()}"
        self.assert_output(self.run_shell("echo $(id -u) $(id -g); id -G | wc -w"), expected + "\n1\n")
        maps = self.run_shell("cat /proc/self/uid_map /proc/self/gid_map").output.splitlines()
        self.assertGreaterEqual(len(maps), 2)
        self.assertNotIn("0", [line.split()[1] for line in maps], "the host's root is in the box")

    def test_the_program_s_ids_have_a_name(self):
        self.assert_output(self.run_shell("id -un; id -gn"), "box\nbox\n")

    def test_uid_sets_the_group_too(self):
        self.assert_output(self.run_shell("id -u; id -g", "--uid", "0"), "0\n0\n")
        self.assert_output(self.run_shell("id -u; id -g", "--uid", "7", "--gid", "8"), "7\n8\n")

    def test_maps(self):
        user, group = (NOBODY, NOBODY) if IS_ROOT else (os.geteuid(), os.getegid())
        finished = self.run_shell(
            "id -u; id -g; echo $(cat /proc/self/uid_map) $(cat /proc/self/gid_map)",
            *("--uid-map", f"0:{user}", "--gid-map", f"0:{group}"),
        )
        self.assert_output(finished, f"0\n0\n0 {user} 1 0 {group} 1\n")

    def test_maps_of_several_ranges(self):
        script = "id -u; id -g; echo $(cat /proc/self/uid_map) $(cat /proc/self/gid_map)"
        maps = ("--uid-map", "0:1000000:10", "--uid-map", "10:2000000:5", "--gid-map", "0:3000000:20")
        finished = self.run_shell(script, *maps, "--uid", "12", "--gid", "19")
        if IS_ROOT:
            self.assert_output(finished, "12\n19\n0 1000000 10 10 2000000 5 0 3000000 20\n")
        else:  # nobody gave an ordinary user such ids
            self.assert_refused(finished, 125, "--uid-map")

    def test_maps_that_overlap_are_refused(self):
        maps = ("--uid-map", "0:1000:10", "--uid-map", "5:5000:10", "--gid-map", "0:1000:10")
        self.assert_refused(self.run_shell(f"echo {RAN}", *maps), 125, "--uid-map", "overlaps")

    def test_in_a_user_namespace_of_one_id_maps_must_be_named(self):
        words = ("unshare", "--user", "--map-root-user", command(), "run")
        self.assert_refused(self.run_outside([*words, "true"]), 125, "--uid-map: must be named")
        finished = self.run_outside([*words, "--uid-map", "7:0", "--gid-map", "8:0", "sh", "-c", "id -u; id -g"])
        self.assert_output(finished, "7\n8\n")

    def test_id_outside_the_map_is_refused(self):
        maps = ("--uid-map", f"0:{os.geteuid()}", "--gid-map", f"0:{os.getegid()}")
        self.assert_refused(self.run_shell(f"echo {RAN}", *maps, "--uid", "5"), 125, "--uid", "5")
        finished = self.run_shell(f"echo {RAN}", *maps, "--uid", "0", "--gid", "5")
        self.assert_refused(finished, 125, "--gid", "5")


class Privileges(CommandLineTest):
    CAPABILITIES = "grep -E '^Cap(Eff|Prm|Bnd|Amb|Inh)' /proc/self/status | cut -f2 | sort -u"

    def test_there_are_none_by_default(self):
        self.assert_output(self.run_shell(self.CAPABILITIES), "0000000000000000\n")
        self.assert_output(self.run_shell(self.CAPABILITIES, "--uid", "0"), "0000000000000000\n")

    def test_some_can_be_kept(self):
        expected = f"{1 << 10 | 1 << 7:016x}"
        for names in (("net_bind_service", "setuid"), ("CAP_NET_BIND_SERVICE", "CAP_SETUID")):
            with self.subTest(names=names):
                options = ("--cap-keep", names[0], "--cap-keep", names[1])
                finished = self.run_shell("grep CapEff /proc/self/status | cut -f2", *options)
                self.assert_output(finished, expected + "\n")

    def test_filter_is_on_unless_refused(self):
        script = "grep '^Seccomp:' /proc/self/status | cut -f2"
        self.assert_output(self.run_shell(script), "2\n")
        self.assert_output(self.run_shell(script, "--policy", "none"), "0\n")


class Policy(CommandLineTest):
    def explained_filter(self, *options):
        finished = self.pivotbox("explain", *options, "--", "true")
        self.assertEqual(finished.status, 0, finished)
        return [line for line in finished.output.splitlines() if "load the system call filter" in line]

    def test_presets(self):
        self.assertIn("'default'", self.explained_filter()[0])
        self.assertIn("'compute'", self.explained_filter("--policy", "compute")[0])
        self.assertEqual(self.explained_filter("--policy", "none"), [])
        self.assert_output(self.run_shell("echo works", "--policy", "compute"), "works\n")

    def test_file(self):
        self.write("mine.policy", "errno(EACCES) mkdir mkdirat\ninclude default\n")
        path = self.path("mine.policy")
        finished = self.run_shell("mkdir /tmp/x 2>&1 | grep -o 'Permission denied'", "--policy", path)
        self.assert_output(finished, "Permission denied\n")
        self.assertIn("mine.policy'", self.explained_filter("--policy", path)[0])

    def test_mistakes_have_their_place(self):
        self.write("mine.policy", "default allow\nkill mkdri\n")
        path = self.path("mine.policy")
        finished = self.run_shell(f"echo {RAN}", "--policy", path)
        self.assert_refused(finished, 125, "--policy", f"{path}:2:6", "'mkdri'")
        self.write("asking.policy", "notify mkdir\ninclude default\n")
        finished = self.run_shell(f"echo {RAN}", "--policy", self.path("asking.policy"))
        self.assert_refused(finished, 125, "--policy: calls for which it says notify")
        self.assert_refused(self.run_shell(f"echo {RAN}", "--policy", "defualt"), 125, "--policy", "no preset 'defualt'")
        self.assert_refused(self.run_shell(f"echo {RAN}", "--policy", "/nowhere/x"), 125, "--policy", "No such file")


class Watching(CommandLineTest):
    def test_denials_are_told_and_the_program_sees_them(self):
        finished = self.run_shell("hostname other; echo status $?", "--watch-denials")
        self.assertEqual((finished.status, finished.output), (0, "status 1\n"))
        self.assertRegex(finished.errors, r"(?m)^pivotbox: denied: sethostname\(0x[0-9a-f]+, 5\): EPERM$")

    def test_a_killing_policy_names_the_call(self):
        finished = self.pivotbox("run", "--policy", "compute", "--", "sh", "-c", "(true); echo survived")
        self.assertEqual(finished.output, "")
        self.assertRegex(finished.errors, "pivotbox: disallowed system call: (clone|fork|vfork)")

    def test_what_was_learned_is_enough(self):
        program = ("sh", "-c", "echo $(sort /etc/passwd | wc -l) lines; hostname other 2>/dev/null || echo refused")
        learned = self.pivotbox("learn", "--output", "learned", "--", *program)
        self.assertEqual(learned.status, 0, learned)
        self.assertRegex(learned.errors, r"^pivotbox: a policy of \d+ system calls is in learned\n$")
        policy = self.read("learned")
        self.assertIn("default errno(EPERM)", policy)
        self.assertIn("sethostname", policy)
        self.assertNotIn("ptrace", policy)
        again = self.pivotbox("run", "--policy", self.path("learned"), "--", *program)
        self.assert_output(again, learned.output)
        other = self.pivotbox("run", "--policy", self.path("learned"), "--", "mkdir", "/tmp/x")
        self.assert_fails_in_box(other, "Operation not permitted")

    def test_nothing_but_what_the_program_calls_is_needed(self):
        learned = self.pivotbox("learn", "--output", "learned", "--", "ls", "/usr")
        self.assertNotIn("rt_sigaction", self.read("learned"))
        self.assert_output(self.pivotbox("run", "--policy", "learned", "--", "ls", "/usr"), learned.output)

    def test_a_policy_does_not_go_where_a_link_leads(self):
        os.symlink("elsewhere", self.path("learned.policy"))
        finished = self.pivotbox("learn", "--", "true")
        self.assert_refused(finished, 125, "learned.policy", "symbolic links")
        self.assertFalse(os.path.exists(self.path("elsewhere")))

    def test_nothing_is_learned_of_a_program_that_is_not_there(self):
        finished = self.pivotbox("learn", "--", "/nowhere/program")
        self.assert_refused(finished, 127, "program not found")
        self.assertFalse(os.path.exists(self.path("learned.policy")))
        self.write("learned.policy", "precious")
        self.assert_refused(self.pivotbox("learn", "--", "/nowhere/program"), 127, "program not found")
        self.assertEqual(self.read("learned.policy"), "precious")

    def test_nothing_is_started_where_nothing_can_be_written(self):
        for name in ("nowhere/learned", "."):
            with self.subTest(name=name):
                finished = self.pivotbox("learn", "--output", name, "--", "echo", RAN)
                self.assert_refused(finished, 125, "no policy", "--output", name)

    def test_what_belongs_to_learn_is_refused_elsewhere(self):
        self.assert_refused(self.run_shell("true", "--output", "x"), 2, "--output", "learn")


class Limits(CommandLineTest):
    def test_soft_and_hard(self):
        script = "ulimit -S -n; ulimit -H -n"
        self.assert_output(self.run_shell(script, "--rlimit", "nofile=64"), "64\n64\n")
        self.assert_output(self.run_shell(script, "--rlimit", "nofile=64:128"), "64\n128\n")

    def test_sizes_have_suffixes(self):
        self.assert_output(self.run_shell("ulimit -f", "--rlimit", "fsize=1M"), f"{2**20 // 512}\n")
        self.assert_output(self.run_shell("ulimit -S -v", "--rlimit", "as=1g:unlimited"), f"{2**20}\n")

    def test_unlimited(self):
        script = "ulimit -S -s 1024; ulimit -S -s unlimited && ulimit -S -s"
        self.assert_output(self.run_shell(script, "--rlimit", "stack=8M:unlimited"), "unlimited\n")

    def test_last_one_counts(self):
        self.assert_output(self.run_shell("ulimit -n", "--rlimit", "nofile=10", "--rlimit", "nofile=20"), "20\n")

    def test_default_can_be_changed(self):
        self.assert_output(self.run_shell("ulimit -c", "--rlimit", "core=512"), "1\n")

    def test_limit_holds(self):
        finished = self.run_shell("head -c 2000000 /dev/zero > /tmp/x", "--rlimit", "fsize=1M")
        self.assertIn("File", finished.errors)  # "File size limit exceeded" or "File too large"
        self.assertNotEqual(finished.status, 0)

    def test_processes(self):
        script = "grep 'Max processes' /proc/self/limits | cut -c27-32"
        with_init = 0 if IS_ROOT else 1  # an init that has the program's id is counted with it
        self.assertEqual(int(self.run_shell(script, "--pids", "40").output), 40 + with_init)
        self.assertEqual(int(self.run_shell(script, "--rlimit", "nproc=77").output), 77)
        finished = self.run_shell("true", "--pids", "4", "--rlimit", "nproc=77")
        self.assertEqual(finished.status, 2, finished)
        self.assertIn("--pids: contradicts --rlimit nproc", finished.errors)

    def test_every_resource_has_its_name(self):
        names = {
            "cpu": "Max cpu time",
            "fsize": "Max file size",
            "data": "Max data size",
            "stack": "Max stack size",
            "core": "Max core file size",
            "rss": "Max resident set",
            "nproc": "Max processes",
            "nofile": "Max open files",
            "memlock": "Max locked memory",
            "as": "Max address space",
            "locks": "Max file locks",
            "sigpending": "Max pending signals",
            "msgqueue": "Max msgqueue size",
            "rttime": "Max realtime timeout",
        }
        with open("/proc/self/limits", encoding="utf-8") as file:
            hard = {line[:26].strip(): line[26:].split()[1] for line in file.readlines()[1:]}
        for name, title in names.items():
            with self.subTest(name=name):
                # At most what the caller has, and enough to run grep.
                value = 2**30 + 4096 if hard[title] == "unlimited" else int(hard[title])
                finished = self.run_shell(f"grep '{title}' /proc/self/limits", "--rlimit", f"{name}={value}")
                self.assertEqual(finished.status, 0, finished)
                self.assertEqual(finished.output[26:].split()[:2], [str(value), str(value)])


class Landlock(CommandLineTest):
    def test_tcp_ports(self):
        bind = "import socket; socket.create_server(('127.0.0.1', 80{}))"
        connect = "import socket; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname())"
        for options, program, allowed in (
            (["--tcp-bind", "8080"], bind.format("80"), True),
            (["--tcp-bind", "8080", "--tcp-bind", "8081"], bind.format("81"), True),
            (["--tcp-bind", "8080"], bind.format("81"), False),
            (["--tcp-bind", "none"], bind.format("80"), False),
            (["--tcp-connect", "none"], connect, False),
            (["--no-landlock"], connect, True),
        ):
            with self.subTest(options=options):
                finished = self.pivotbox("run", *options, "--", "/usr/bin/python3", "-c", program)
                self.assertEqual(finished.status, 0 if allowed else 1, finished)
        self.assertIn("'65536' is more than 65535", self.pivotbox("run", "--tcp-bind", "65536", "--", "true").errors)

    def test_accepting_less_is_not_building_less(self):
        lines = self.pivotbox("explain", "--require", "namespaces", "--", "true").output.splitlines()
        self.assertIn("namespaces, Landlock", lines[1])


if __name__ == "__main__":
    main()
