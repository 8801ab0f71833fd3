"""What has to be on the host for a hostile program to try something: a place of its own for each run, and named fixtures."""

import contextlib
import ctypes
import fcntl
import os
import pty
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import termios
import threading

IS_ROOT = os.geteuid() == 0
own_children = set()  # processes of fixtures, which are not leftovers
LIBC = ctypes.CDLL(None, use_errno=True)


def become_subreaper():
    """Whatever is left behind by a child becomes a child of this process, and is seen (prctl(2))."""
    set_child_subreaper = 36
    if LIBC.prctl(set_child_subreaper, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def checked(result, what):
    if result < 0:
        raise OSError(ctypes.get_errno(), what)
    return result


class Place:
    """Directories of one run, below TMPDIR: box/ is where the command is started, host/ is no business of a box, work/ is for
    binds that can be written. The names in braces are filled into options and arguments."""

    def __init__(self):
        self.token = "pivotbox-escape-" + secrets.token_hex(8)
        self.key = int.from_bytes(secrets.token_bytes(4)) | 1
        self.names = {}
        self.top = self.box = self.host = self.work = self.report = None

    def __enter__(self):
        self.top = os.path.realpath(tempfile.mkdtemp(prefix="pivotbox-escapes-"))
        os.chmod(self.top, 0o755)
        for name, mode in (("box", 0o755), ("host", 0o755), ("work", 0o777)):
            path = os.path.join(self.top, name)
            os.mkdir(path)
            os.chmod(path, mode)
            setattr(self, name, path)
        self.report = os.path.join(self.top, "report.json")
        self.write(os.path.join(self.host, "secret"), 0o666)
        self.write(os.path.join(self.box, "readable"), 0o666)
        own = 0x6FFF0000 + os.getpid() if IS_ROOT else os.geteuid()
        self.names.update(
            top=self.top,
            box=self.box,
            host=self.host,
            work=self.work,
            secret=os.path.join(self.host, "secret"),
            token=self.token,
            key=str(self.key),
            id=str(own),
            gid=str(own if IS_ROOT else os.getegid()),
            pid="1",
            hostname=socket.gethostname(),
        )
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.top)

    def write(self, path, mode=0o644, text=None):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text or self.token)
        os.chmod(path, mode)
        return path

    def environment(self):
        names = ("PATH", "TMPDIR", "LANG", "PIVOTBOX", "PIVOTBOX_WEAKENED", "PIVOTBOX_ESCAPE_PROGRAMS")
        return {name: os.environ[name] for name in names if name in os.environ}

    def fill(self, words):
        return [word.format_map(self.names) for word in shlex.split(words)]


@contextlib.contextmanager
def running(words, **options):
    """A process of the host."""
    with subprocess.Popen(words, **options) as process:
        own_children.add(process.pid)
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            own_children.discard(process.pid)


@contextlib.contextmanager
def victim(place, _):
    """A process of the same user with something in its environment."""
    program = shutil.copy("/bin/sleep", os.path.join(place.work, "victim"))
    with running([program, "600"], env={"SECRET": place.token}, stdout=subprocess.DEVNULL) as process:
        place.names["victim"] = str(process.pid)
        yield


@contextlib.contextmanager
def abstract_socket(place, _):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("\0" + place.token)
        listener.listen()
        yield


@contextlib.contextmanager
def generous_socket(place, _):
    """Whoever connects to it is sent the host's root."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("\0" + place.token)
        listener.listen()
        root = os.open("/", os.O_RDONLY | os.O_DIRECTORY)

        def give():
            with contextlib.suppress(OSError):
                peer, _ = listener.accept()
                socket.send_fds(peer, [b"x"], [root])
                peer.close()

        giver = threading.Thread(target=give)
        giver.start()
        yield
        listener.shutdown(socket.SHUT_RDWR)
        giver.join()
        os.close(root)


@contextlib.contextmanager
def named_socket(place, _):
    """A listening socket in the current directory that anybody may connect to."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.join(place.box, "socket"))
        os.chmod(os.path.join(place.box, "socket"), 0o777)
        listener.listen()
        yield


@contextlib.contextmanager
def tcp_listener(place, _):
    with socket.socket(socket.AF_INET) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        place.names["port"] = str(listener.getsockname()[1])
        yield


@contextlib.contextmanager
def shared_memory(place, _):
    """A SysV segment anybody may attach."""
    ipc_creat, ipc_rmid = 0o1000, 0
    ident = checked(LIBC.shmget(ctypes.c_int(place.key), 4096, ipc_creat | 0o666), "shmget")
    try:
        yield
    finally:
        checked(LIBC.shmctl(ident, ipc_rmid, None), "shmctl")


@contextlib.contextmanager
def message_queue(place, _):
    """A POSIX queue anybody may read."""
    name = b"/" + place.token.encode()
    old = os.umask(0)
    queue = checked(LIBC.mq_open(name, os.O_CREAT | os.O_RDWR, 0o666, None), "mq_open")
    os.umask(old)
    os.close(queue)
    try:
        yield
    finally:
        LIBC.mq_unlink(name)


@contextlib.contextmanager
def terminal(_, options):
    """The command's controlling terminal and standard input."""
    master, slave = pty.openpty()

    def take_it():
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)

    options["stdin"] = slave
    options["preexec_fn"] = take_it
    try:
        yield
    finally:
        os.close(slave)
        os.close(master)


@contextlib.contextmanager
def inherited(path, flags, place, options):
    """Open in the command, and not close-on-exec."""
    descriptor = os.open(path, flags)
    place.names["fd"] = str(descriptor)
    options["pass_fds"] = (descriptor,)
    try:
        yield
    finally:
        os.close(descriptor)


def inherited_directory(place, options):
    """The host's root."""
    return inherited("/", os.O_RDONLY | os.O_DIRECTORY, place, options)


def inherited_file(place, options):
    """A file of the host, open for reading and writing."""
    return inherited(place.names["secret"], os.O_RDWR, place, options)


@contextlib.contextmanager
def input_file(place, options):
    """Standard input is a file of the host, open for reading only."""
    descriptor = os.open(place.names["secret"], os.O_RDONLY)
    options["stdin"] = descriptor
    try:
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def silent_input(_, options):
    """Standard input is a pipe on which nothing comes and that is not closed."""
    ends = os.pipe()
    options["stdin"] = ends[0]
    try:
        yield
    finally:
        for end in ends:
            os.close(end)


@contextlib.contextmanager
def secret_environment(place, options):
    options["env"]["PIVOTBOX_SECRET"] = place.token
    yield


@contextlib.contextmanager
def file_in_work(place, _):
    """A file anybody may write, of the id the box gets for {id}."""
    os.chown(place.work, int(place.names["id"]), int(place.names["gid"]))
    path = place.write(os.path.join(place.work, "file"), 0o666)
    os.chown(path, int(place.names["id"]), int(place.names["gid"]))
    yield


@contextlib.contextmanager
def nested_work(place, _):
    os.mkdir(os.path.join(place.work, "a"))
    os.chmod(os.path.join(place.work, "a"), 0o777)
    yield


@contextlib.contextmanager
def planted_link(place, _):
    """A symbolic link to the host's directory where a box will be told to look."""
    os.symlink(place.host, os.path.join(place.work, "link"))
    os.symlink("secret", os.path.join(place.host, "link"))
    yield


@contextlib.contextmanager
def planted_device(place, _):
    """The device /dev/zero in a directory that is shown."""
    path = os.path.join(place.box, "device")
    os.mknod(path, 0o666 | 0o020000, os.makedev(1, 5))
    os.chmod(path, 0o666)
    yield


SETUID_OWNER = 0x6FFE0000


@contextlib.contextmanager
def planted_setuid(place, _):
    """The program itself, set-user-ID of another id that is mapped into the box."""
    names = [name for name in os.listdir(place.box) if name != "readable"]
    path = shutil.copy(os.path.join(place.box, names[0]), os.path.join(place.box, "setuid"))
    os.chown(path, SETUID_OWNER, SETUID_OWNER)
    os.chmod(path, 0o6755)
    place.names["owner"] = str(SETUID_OWNER)
    yield


@contextlib.contextmanager
def root_only_file(place, _):
    place.write(os.path.join(place.box, "private"), 0o600)
    yield


GROUP = 0x6FFD0000


@contextlib.contextmanager
def group_file(place, options):
    """A file for a group that the command is in."""
    path = place.write(os.path.join(place.box, "for_group"), 0o640)
    os.chown(path, 0, GROUP)
    options["extra_groups"] = [GROUP]
    yield


@contextlib.contextmanager
def own_control_group(place, options):
    """The command is in a control group that is not the root of its tree."""
    with open("/proc/self/mounts", encoding="utf-8") as file:
        mounts = [line.split() for line in file]
    # Any tree does; one that has no controllers to set up first.
    tree = next(m[1] for m in mounts if m[2] == "cgroup2" or (m[2] == "cgroup" and "cpuset" not in m[3]))
    group = os.path.join(tree, place.token)
    os.mkdir(group)

    def enter():
        with open(os.path.join(group, "cgroup.procs"), "w", encoding="ascii") as file:
            file.write("0")

    options["preexec_fn"] = enter
    try:
        yield
    finally:
        os.rmdir(group)


@contextlib.contextmanager
def core_allowed(_, options):
    import resource

    def allow():
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))

    options["preexec_fn"] = allow
    yield


@contextlib.contextmanager
def session_key(place, options):
    """A key in the command's session keyring."""

    def add():
        add_key, keyctl, join_session, session = 248, 250, 1, -3
        LIBC.syscall(keyctl, join_session, None)
        text = place.token.encode()
        LIBC.syscall(add_key, b"user", text, text, len(text), session)

    options["preexec_fn"] = add
    yield


@contextlib.contextmanager
def neighbour(place, options):
    """Another box of the same user, with sockets, shared memory and files by the run's name."""
    script = (
        "import ctypes, os, socket, sys, time\n"
        f"a = socket.socket(socket.AF_UNIX); a.bind('\\0{place.token}'); a.listen()\n"
        f"b = socket.socket(socket.AF_UNIX); b.bind('/tmp/{place.token}'); b.listen()\n"
        f"c = socket.socket(socket.AF_INET); c.bind(('127.0.0.1', 0)); c.listen()\n"
        f"open('/dev/shm/{place.token}', 'w').write('x')\n"
        f"assert ctypes.CDLL(None).shmget(ctypes.c_int({place.key}), 4096, 0o1666) >= 0\n"
        "print(c.getsockname()[1], flush=True)\n"
        "time.sleep(600)\n"
    )
    words = [os.environ["PIVOTBOX"], "run", "--timeout", "60s", "--", "python3", "-c", script]
    with running(words, cwd=place.box, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=options["env"]) as process:
        place.names["port"] = process.stdout.readline().decode().strip()
        if not place.names["port"]:
            raise RuntimeError("the neighbour's box did not start")
        yield


@contextlib.contextmanager
def apply(names, place, options):
    """All of the fixtures."""
    with contextlib.ExitStack() as stack:
        for name in names:
            stack.enter_context(globals()[name](place, options))
        yield
