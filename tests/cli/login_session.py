#!/usr/bin/env python3
"""login_session.py UID ANSWER COMMAND...: started by root; COMMAND runs as the user UID in a login session like systemd's.

Its control group and the one above are root's. On the user's bus, a real one, a double of systemd starts transient scopes in a
group that is the user's, strict about what it is asked. ANSWER is how: "start", "deny" (an error), "fail" (the job fails), "silent" or
"none" (there is no bus). In the end each scope has to be empty within some seconds; it is removed then, as systemd does.

The exit status is that of COMMAND, or 70 with a message when something was not as it should be.
"""

import collections
import contextlib
import ctypes
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading

CGROUPS = "/sys/fs/cgroup"
BUS = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
SYSTEMD = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager")
JOB = "/org/freedesktop/systemd1/job/1"
CALL, RETURN, ERROR, SIGNAL = 1, 2, 3, 4
PATH, INTERFACE, MEMBER, ERROR_NAME, REPLY_SERIAL, DESTINATION, SENDER, SIGNATURE = range(1, 9)
WRONG = 70

Message = collections.namedtuple("Message", "type serial fields body")


class Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def align(self, boundary):
        self.at += -self.at % boundary

    def number(self, kind="I"):
        size = struct.calcsize(kind)
        self.align(size)
        self.at += size
        return struct.unpack_from("<" + kind, self.data, self.at - size)[0]

    def text(self, kind="I"):
        size = self.number(kind)
        self.at += size + 1
        return self.data[self.at - size - 1 : self.at - 1].decode()

    def array(self, boundary, read_element):
        size = self.number()
        self.align(boundary)
        end = self.at + size
        found = []
        while self.at < end:
            found.append(read_element())
        return found

    def variant(self):
        kind = self.text("B")
        read = {
            "s": self.text,
            "o": self.text,
            "g": lambda: self.text("B"),
            "u": self.number,
            "b": self.number,
            "au": lambda: self.array(4, self.number),
        }
        return kind, read[kind]()

    def property(self):
        self.align(8)
        return self.text(), self.variant()


def text(value):
    return struct.pack("<I", len(value)) + value.encode() + b"\0"


def padded(data, boundary):
    return data + b"\0" * (-len(data) % boundary)


def texts(*values):
    data = b""
    for value in values:
        data = padded(data, 4) + text(value)
    return data


class Bus:
    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(address)
        self.stream = self.socket.makefile("rb")
        self.serial = 0
        self.socket.sendall(b"\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n")
        while not self.stream.readline().startswith(b"OK"):
            pass
        self.call(BUS, "Hello")

    def send(self, kind, fields, body=b""):
        self.serial += 1
        header = b""
        for code, (signature, value) in fields.items():
            header = padded(header, 8) + bytes([code, 1]) + signature.encode() + b"\0"
            if signature == "u":
                header += struct.pack("<I", value)
            elif signature == "g":
                header += bytes([len(value)]) + value.encode() + b"\0"
            else:
                header += text(value)
        head = struct.pack("<cBBBIII", b"l", kind, 0, 1, len(body), self.serial, len(header))
        self.socket.sendall(padded(head + header, 8) + body)
        return self.serial

    def receive(self):
        head = self.stream.read(16)
        if len(head) < 16:
            raise EOFError
        _, kind, _, _, body, serial, size = struct.unpack("<cBBBIII", head)
        reader = Reader(self.stream.read(size + -size % 8)[:size])
        fields = {}
        while reader.at < size:
            reader.align(8)
            code = reader.number("B")
            fields[code] = reader.variant()[1]
        return Message(kind, serial, fields, self.stream.read(body))

    def call(self, where, member, signature="", body=b""):
        fields = {DESTINATION: ("s", where[0]), PATH: ("o", where[1]), INTERFACE: ("s", where[2]), MEMBER: ("s", member)}
        if signature:
            fields[SIGNATURE] = ("g", signature)
        serial = self.send(CALL, fields, body)
        while True:
            message = self.receive()
            if message.fields.get(REPLY_SERIAL) == serial:
                assert message.type == RETURN, message
                return message

    def answer(self, message, signature="", body=b""):
        fields = {DESTINATION: ("s", message.fields[SENDER]), REPLY_SERIAL: ("u", message.serial)}
        if signature:
            fields[SIGNATURE] = ("g", signature)
        self.send(RETURN, fields, body)


class Systemd:
    """The double."""

    def __init__(self, address, answer, user, groups):
        self.bus = Bus(address)
        self.answer = answer
        self.user = user
        self.groups = groups
        self.problems = []
        self.askers = []
        self.bus.call(BUS, "RequestName", "su", padded(text(SYSTEMD[0]), 4) + struct.pack("<I", 0))

    def serve(self):
        subscribed = False
        with contextlib.suppress(EOFError, OSError):
            while True:
                message = self.bus.receive()
                if message.type != CALL:
                    continue
                member = message.fields[MEMBER]
                if (message.fields[PATH], message.fields[INTERFACE]) != SYSTEMD[1:]:
                    self.problems.append(f"asked elsewhere: {message}")
                elif member == "Subscribe":
                    subscribed = True
                    self.bus.answer(message)
                elif member == "StartTransientUnit" and subscribed:
                    self.start(message)
                else:
                    self.problems.append(f"asked for {member}")

    def start(self, message):
        if self.answer == "silent":
            return
        if self.answer == "deny":
            fields = {
                DESTINATION: ("s", message.fields[SENDER]),
                REPLY_SERIAL: ("u", message.serial),
                ERROR_NAME: ("s", "org.freedesktop.DBus.Error.AccessDenied"),
                SIGNATURE: ("g", "s"),
            }
            self.bus.send(ERROR, fields, text("Not today"))
            return
        reader = Reader(message.body)
        name, mode = reader.text(), reader.text()
        properties = dict(reader.array(8, reader.property))
        description = properties.pop("Description", None)
        expected = {"PIDs": ("au", [0]), "Delegate": ("b", 1), "CollectMode": ("s", "inactive-or-failed")}
        if message.fields[SIGNATURE] != "ssa(sv)a(sa(sv))" or properties != expected or mode != "fail" or not description:
            self.problems.append(f"asked for {message.fields[SIGNATURE]} {name} {mode} {description} {properties}")
        if not name.startswith("pivotbox-") or not name.endswith(".scope"):
            self.problems.append(f"asked for {name}")
        pid = Reader(self.bus.call(BUS, "GetConnectionUnixProcessID", "s", text(message.fields[SENDER])).body).number()
        if pid in self.askers:
            self.problems.append("asked twice by the same process")
        self.askers.append(pid)
        self.make_scope(name, pid)
        self.bus.answer(message, "o", text(JOB))
        result = "done" if self.answer == "start" else "failed"
        # Another job of systemd's ends first.
        for unit, ended in (("other.scope", "failed"), (name, result)):
            self.bus.send(
                SIGNAL,
                {PATH: ("o", SYSTEMD[1]), INTERFACE: ("s", SYSTEMD[2]), MEMBER: ("s", "JobRemoved"), SIGNATURE: ("g", "uoss")},
                struct.pack("<I", 1) + texts(JOB, unit, ended),
            )

    def make_scope(self, name, pid):
        scope = f"{self.groups}/{name}"
        os.mkdir(scope)
        if self.answer != "start":
            return
        give(scope, self.user)
        write(f"{scope}/cgroup.procs", str(pid))


def give(group, user):
    """Delegates it (cgroups(7))."""
    for path in (group, f"{group}/cgroup.procs", f"{group}/cgroup.subtree_control", f"{group}/cgroup.threads"):
        os.chown(path, user, user)


def write(path, contents):
    with open(path, "w", encoding="ascii") as file:
        file.write(contents)


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def remove(group):
    for directory, _, _ in os.walk(group, topdown=False):
        os.rmdir(directory)


def becomes_empty(group):
    """A moment after its processes were killed."""
    with open(f"{group}/cgroup.events", encoding="ascii") as events:
        for _ in range(10):
            events.seek(0)
            if "populated 0" in events.read():
                return True
            watched = select.poll()
            watched.register(events, select.POLLPRI)
            watched.poll(1000)
    return False


def show_only_version_2():
    """In a mount namespace of our own."""
    libc = ctypes.CDLL(None, use_errno=True)
    clone_newns, mnt_detach, ms_rec, ms_private = 0x20000, 2, 0x4000, 1 << 18
    steps = (
        lambda: libc.unshare(clone_newns),
        lambda: libc.mount(None, b"/", None, ms_rec | ms_private, None),
        lambda: libc.umount2(CGROUPS.encode(), mnt_detach),
        lambda: libc.mount(b"cgroup2", CGROUPS.encode(), b"cgroup2", 0, None),
    )
    for number, step in enumerate(steps):
        if step() != 0:
            raise OSError(ctypes.get_errno(), f"step {number} of showing cgroup v2")


@contextlib.contextmanager
def groups_of_session(user):
    """The slice of a user, with what login and the user's systemd have made in it."""
    top = f"{CGROUPS}/login-{os.getpid()}.slice"
    session, manager = f"{top}/session-1.scope", f"{top}/user.service"
    controllers = read(f"{CGROUPS}/cgroup.subtree_control").split()
    handed_on = " ".join("+" + name for name in controllers if name in ("cpu", "memory", "pids"))
    os.mkdir(top)
    try:
        write(f"{top}/cgroup.subtree_control", handed_on)
        for group in (session, manager):
            os.mkdir(group)
        write(f"{manager}/cgroup.subtree_control", handed_on)
        give(manager, user)
        yield session, manager
    finally:
        write(f"{top}/cgroup.kill", "1")
        if becomes_empty(top):
            remove(top)


@contextlib.contextmanager
def bus(directory):
    configuration = f"{directory}/bus.conf"
    write(
        configuration,
        f"""<busconfig><type>session</type><listen>unix:path={directory}/bus</listen><auth>EXTERNAL</auth>
        <policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*" eavesdrop="false"/>
        <allow receive_sender="*"/></policy></busconfig>""",
    )
    with subprocess.Popen(
        ["dbus-daemon", f"--config-file={configuration}", "--nofork", "--print-address"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # of limits that it may not raise
    ) as daemon:
        try:
            daemon.stdout.readline()
            os.chmod(f"{directory}/bus", 0o777)
            yield f"{directory}/bus"
        finally:
            daemon.terminate()


def run_in_session(command, user, session, runtime_directory):
    def enter():
        write(f"{session}/cgroup.procs", str(os.getpid()))
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)

    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DBUS_", "XDG_"))}
    environment["XDG_RUNTIME_DIR"] = runtime_directory
    status = subprocess.run(command, preexec_fn=enter, env=environment, check=False).returncode
    return status if status >= 0 else 128 - status


def main():
    user, answer, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    signal.alarm(120)
    show_only_version_2()
    with contextlib.ExitStack() as stack:
        directory = tempfile.mkdtemp(prefix="pivotbox-login-")
        stack.callback(shutil.rmtree, directory)
        os.chmod(directory, 0o755)
        session, manager = stack.enter_context(groups_of_session(user))
        if answer == "none":
            return run_in_session(command, user, session, directory)
        systemd = Systemd(stack.enter_context(bus(directory)), answer, user, manager)
        threading.Thread(target=systemd.serve, daemon=True).start()
        status = run_in_session(command, user, session, directory)
        problems = list(systemd.problems)
        for name in filter(lambda name: name.endswith(".scope"), os.listdir(manager)):
            if becomes_empty(f"{manager}/{name}"):
                remove(f"{manager}/{name}")
            else:
                problems.append(f"{name} still holds processes")
        if problems:
            print("login_session:", *problems, sep="\n", file=sys.stderr)
            return WRONG
        return status


if __name__ == "__main__":
    sys.exit(main())
