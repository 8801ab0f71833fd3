"""The same wish in Python: every line is one attempt, "refused" with the reason or "ESCAPED".

OUTSIDE_FILE and HOST_HOME (environment) name a file anybody on the host may read and the host user's home.
Exit status 1 when anything got through. No attempt leaves anything behind.
"""

import ctypes
import errno
import glob
import os
import sys
import tempfile

OUTSIDE_FILE = os.environ["OUTSIDE_FILE"]
HOST_HOME = os.environ["HOST_HOME"]
CLIMB = "../" * 16


def fail(number):
    raise OSError(number, os.strerror(number))


def read(path, **options):
    os.close(os.open(path, os.O_RDONLY, **options))


def read_any(paths):
    """Succeeds with the first path that can be read; fails with the reason of the last one."""
    reason = OSError(errno.ENOENT, os.strerror(errno.ENOENT))
    for path in paths:
        try:
            return read(path)
        except OSError as error:
            reason = error
    raise reason


def list_home():
    """Finding only the way down to the working directory, which the box was given, is not finding the home."""
    here = os.getcwd()
    if all(here.startswith(os.path.join(HOST_HOME, name)) for name in os.listdir(HOST_HOME)):
        fail(errno.ENOENT)


def see_processes():
    own = {1, os.getpid(), os.getppid()}
    if all(int(name) in own for name in os.listdir("/proc") if name.isdigit()):
        fail(errno.ESRCH)


def write_to(directory):
    """An unnamed file (O_TMPFILE): really written to the file system, gone when closed."""
    os.close(os.open(directory, os.O_TMPFILE | os.O_WRONLY, 0o600))


def follow_symbolic_link():
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        os.symlink(CLIMB + OUTSIDE_FILE, directory + "/way_out")
        read(directory + "/way_out")


def use_open_descriptors():
    for descriptor in range(1024):
        try:
            return read(CLIMB + OUTSIDE_FILE, dir_fd=descriptor)
        except OSError:
            continue
    fail(errno.EBADF)


def chroot_trick():
    """chroot(2) moves the root but not the working directory: outside the root, ".." climbs past it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as trap:
        os.chroot(trap)
        for _ in range(64):
            os.chdir("..")
        os.chroot(".")
    read(OUTSIDE_FILE)


def mount_file_system():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) != 0:
        fail(ctypes.get_errno())
    libc.umount2(b"/tmp", 0)


ATTEMPTS = [
    ("read /etc/shadow", lambda: read("/etc/shadow")),
    ("read a public file outside the box", lambda: read(OUTSIDE_FILE)),
    ("list the host user's home", list_home),
    ("see the host's processes", see_processes),
    ("send a signal to every process", lambda: os.kill(-1, 0)),
    ("write to /", lambda: write_to("/")),
    ("write to /etc", lambda: write_to("/etc")),
    ("mount a file system", mount_file_system),
    ("climb out with ../../..", lambda: read(CLIMB + OUTSIDE_FILE)),
    ("climb out by a symbolic link", follow_symbolic_link),
    ("go through /old_root", lambda: read("/old_root" + OUTSIDE_FILE)),
    ("go through /proc/1/root", lambda: read("/proc/1/root" + OUTSIDE_FILE)),
    ("go through /proc/*/root", lambda: read_any(p + OUTSIDE_FILE for p in glob.glob("/proc/*/root"))),
    ("go through open descriptors", use_open_descriptors),
    ("mkdir, chroot, chdir .., chroot .", chroot_trick),
]


def main():
    escapes = 0
    for what, attempt in ATTEMPTS:
        try:
            attempt()
        except OSError as error:
            print(f"refused  {what}: {os.strerror(error.errno)}")
        else:
            print(f"ESCAPED  {what}")
            escapes += 1
    return int(escapes > 0)


if __name__ == "__main__":
    sys.exit(main())
