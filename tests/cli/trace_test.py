#!/usr/bin/env python3
"""The system calls of a real launch, in the order that row S4 of docs/contract.md asks for (strace(1))."""

import sys

sys.dont_write_bytecode = True

import os
import re
import subprocess

from command_line import CommandLineTest, command, main

# One pattern per thing the launch does, in order. What lies between is not looked at.
SEQUENCE = [
    r"clone3\(\{flags=CLONE_VM\|.*CLONE_NEWUSER",
    r"uid_map",
    r"gid_map",
    r'mount\(NULL, "/", NULL, MS_REC\|MS_PRIVATE, NULL\) += 0',
    r'mount\("tmpfs", "/", "tmpfs", MS_NOSUID\|MS_NODEV, "size=',
    r'chdir\("/\.\."\) += 0',
    r"mount_setattr\(|move_mount\(",
    r'mkdirat\(AT_FDCWD, "old_root", 0700\) += 0',
    r'pivot_root\("\.", "old_root"\) += 0',
    r'umount2\("old_root", MNT_DETACH\|UMOUNT_NOFOLLOW\) += 0',
    r'unlinkat\(AT_FDCWD, "old_root", AT_REMOVEDIR\) += 0',
    r'mount\(NULL, "\.", NULL, MS_RDONLY\|MS_NOSUID\|MS_NODEV\|MS_REMOUNT\|MS_BIND, NULL\) += 0',
    r'chdir\("/"\) += 0',
    r"execveat\(",
    r"close_range\(3, 4294967295, CLOSE_RANGE_CLOEXEC\) += 0",
    r"prctl\(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0\) += 0",
    r"prctl\(PR_CAPBSET_DROP, ",
    r"capset\(.*permitted=0, inheritable=0\}\) += 0",
    r"seccomp\(SECCOMP_SET_MODE_FILTER, 0, ",
    r'execve\("/usr/bin/true", ',
]


class Trace(CommandLineTest):
    def calls(self):
        trace = self.path("trace")
        options = ["strace", "-f", "-qq", "--seccomp-bpf", "-o", trace]
        names = "clone3,openat,mount,chdir,mkdirat,pivot_root,umount2,unlinkat,mount_setattr,move_mount,execveat,execve,close_range,prctl,capset,seccomp"
        words = [*options[:-3], "-e", "trace=" + names, *options[-2:], command(), "run", "true"]
        # LeakSanitizer traces too, and a process has one tracer.
        environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
        subprocess.run(words, check=True, cwd=self.directory, env=environment)
        with open(trace, encoding="utf-8") as lines:
            return self.resumed(lines.read().splitlines())

    @staticmethod
    def resumed(lines):
        """Calls that were interrupted by another process's line are put together again."""
        waiting, whole = {}, []
        for line in lines:
            pid, _, call = line.partition(" ")
            call = call.strip()
            if call.endswith("<unfinished ...>"):
                waiting[pid] = call.removesuffix("<unfinished ...>").rstrip()
                continue
            found = re.match(r"<\.\.\. \w+ resumed>(.*)", call)
            whole.append(waiting.pop(pid, "") + found.group(1) if found else call)
        return whole

    def test_has_the_contracts_order(self):
        calls = self.calls()
        at = 0
        for pattern in SEQUENCE:
            for found in range(at, len(calls)):
                if re.search(pattern, calls[found]):
                    break
            else:
                self.fail(f"{pattern} is missing after call {at} of:\n" + "\n".join(calls))
            at = found + 1

    def test_nothing_but_the_signals_comes_between_the_filter_and_the_program(self):
        calls = self.calls()
        filtered = max(i for i, call in enumerate(calls) if call.startswith("seccomp("))
        self.assertRegex(calls[filtered + 1], r"^execve\(")


if __name__ == "__main__":
    if not os.access("/usr/bin/strace", os.X_OK):
        print("SKIPPED: strace is not installed")
        sys.exit(77)
    main()
