"""Runs hostile programs in boxes, where they must be held, and without the wall they are about, where they must get through.

Each file of programs/ begins with comment lines "Field: value" (catalogue.py lists the fields). A program ends with 0 when
every attempt was refused as expected, with 1 and a line "ESCAPED: what was reached" otherwise, with 2 when it could not try.

    harness.py AREA [NAME...]   runs the programs of one area
    harness.py --steps          takes each kind of step from the plan of a box, in turn
"""

import contextlib
import json
import os
import select
import shutil
import stat
import subprocess
import sys
import time

import catalogue
import fixtures

DEADLINE_SECONDS = 60
GRACE_SECONDS = 0.5
SANDBOX_FAILED = 125
MISTAKE_OF_THE_TEST = 3
IS_ROOT = os.geteuid() == 0
HERE = os.path.dirname(os.path.realpath(__file__))
SKIPPED = 77


def tree(directory):
    """What is in `directory`: names, modes, owners, contents."""
    found = {}
    for top, folders, files in os.walk(directory):
        for name in folders + files:
            path = os.path.join(top, name)
            status = os.lstat(path)
            contents = None
            if stat.S_ISREG(status.st_mode) and status.st_size < 1 << 20 and os.access(path, os.R_OK):
                with open(path, "rb") as file:
                    contents = file.read()
            found[path] = (status.st_mode, status.st_uid, status.st_gid, contents)
    return found


def children():
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
        return set(map(int, file.read().split()))


def reap():
    """Waits for what has ended and is nobody's."""
    for pid in children() - fixtures.own_children:
        os.waitpid(pid, os.WNOHANG)


class Leftovers:
    """What a box may not leave on the host."""

    def __init__(self, place):
        self.place = place
        self.before = {**tree(place.host), **tree(place.box)}
        self.ipc_before = self.ipc()

    def ipc(self):
        """SysV objects with the run's key."""
        found = set()
        for kind in ("shm", "sem", "msg"):
            with open(f"/proc/sysvipc/{kind}", encoding="ascii") as file:
                for line in file.readlines()[1:]:
                    key, ident = line.split()[:2]
                    if int(key) & 0xFFFFFFFF == self.place.key:
                        found.add((kind, int(ident)))
        return found

    def files(self):
        """Files by the run's name where any program may write."""
        return [
            os.path.join(top, name)
            for top in ("/tmp", "/dev/shm", "/var/tmp", "/run/lock")
            if os.path.isdir(top)
            for name in os.listdir(top)
            if self.place.token in name
        ]

    def processes(self):
        """What has been killed a moment ago may need another to be gone."""
        deadline = time.monotonic() + GRACE_SECONDS
        while True:
            reap()
            left = children() - fixtures.own_children
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(0.01)

    def mounts(self):
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:
            return [line.strip() for line in file if self.place.top in line]

    def found(self):
        """Lines that say what is left or changed; everything is cleared away."""
        lines = []
        while left := self.processes():  # the children of one that is killed here are ours then
            for pid in left:
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                    with open(f"/proc/{pid}/cmdline", "rb") as file:
                        lines.append(f"process {pid} is left: {file.read()!r}")
                    os.kill(pid, 9)
        for path in self.files():
            lines.append(f"file {path} is left")
            os.unlink(path)
        for kind, ident in self.ipc() - self.ipc_before:
            lines.append(f"SysV {kind} {ident} is left")
            subprocess.run(["ipcrm", {"shm": "-m", "sem": "-s", "msg": "-q"}[kind], str(ident)], check=False)
        lines += [f"mount is left: {line}" for line in self.mounts()]
        after = {**tree(self.place.host), **tree(self.place.box)}
        for path in sorted(set(after) | set(self.before)):
            if after.get(path) != self.before.get(path):
                lines.append(f"{path} was changed")
        return lines


def collect(process):
    """What `process` writes until it ends and its output is closed; and complaints, if that takes too long."""
    texts = {process.stdout: b"", process.stderr: b""}
    pidfd = os.pidfd_open(process.pid)
    waited_for = [pidfd, *texts]
    deadline = time.monotonic() + DEADLINE_SECONDS
    complaints = []
    while waited_for and not complaints:
        ready, _, _ = select.select(waited_for, [], [], max(0, deadline - time.monotonic()))
        for end in ready:
            if end == pidfd:
                deadline = min(deadline, time.monotonic() + GRACE_SECONDS)
            elif block := os.read(end.fileno(), 1 << 16):
                texts[end] += block
                continue
            waited_for.remove(end)
        if not ready:
            complaints.append("it is not done in time" if pidfd in waited_for else "its output is still open")
    process.kill()
    process.wait()
    os.close(pidfd)
    return texts.values(), complaints


class Run:
    """How one run of a hostile program went."""

    def __init__(self, words, place, options):
        self.words = words
        leftovers = Leftovers(place)
        self.report = None
        if os.path.exists(place.report):
            os.unlink(place.report)
        begin = time.monotonic()
        with subprocess.Popen(
            words, cwd=place.box, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
        ) as process:
            fixtures.own_children.add(process.pid)
            collected, still_open = collect(process)
            fixtures.own_children.discard(process.pid)
        self.seconds = time.monotonic() - begin
        self.status = process.returncode
        self.output, self.errors = (text.decode(errors="replace") for text in collected)
        if os.path.exists(place.report):
            with open(place.report, encoding="utf-8") as file:
                text = file.read()
            self.report = json.loads(text) if text else None
        self.left = leftovers.found() + still_open

    @property
    def escaped(self):
        return self.output.startswith("ESCAPED: ") or "\nESCAPED: " in self.output or bool(self.left)

    @property
    def verdict(self):
        """In the words of the field Verdict."""
        if self.report is None:
            return f"no report, status {self.status}"
        kind = self.report["status"]
        if kind == "exited":
            return f"exited {self.report['exit_code']}"
        if kind == "signalled":
            return f"signalled {self.report['signal_name']}"
        return kind

    def __str__(self):
        output = self.output if len(self.output) < 3000 else self.output[:1500] + "\n...\n" + self.output[-1500:]
        return (
            f"    {' '.join(self.words)}\n    verdict {self.verdict}, status {self.status}, {self.seconds:.2f} s\n"
            + "".join(f"    | {line}\n" for line in output.splitlines())
            + "".join(f"    ! {line}\n" for line in self.errors.splitlines()[:20])
            + "".join(f"    left: {line}\n" for line in self.left)
        )


class Stage:
    """One program, and the places and means of its runs."""

    def __init__(self, program):
        self.program = program
        built = os.path.join(os.environ["PIVOTBOX_ESCAPE_PROGRAMS"], program.name)
        self.file = program.path if program.path.endswith((".py", ".sh")) else built

    def launch(self, words_of):
        """One run in fresh surroundings; words_of(place, name of the program) says what is started."""
        with fixtures.Place() as place:
            name = os.path.basename(self.file)
            shutil.copy(self.file, place.box)
            os.chmod(os.path.join(place.box, name), 0o755)
            options = {"stdin": subprocess.DEVNULL, "env": place.environment()}
            with fixtures.apply(self.program.all("Fixture"), place, options):
                return Run(words_of(place, name), place, options)

    def command(self, place, name):
        if name.endswith(".py"):
            return ["python3", os.path.join(place.box, name)]
        if name.endswith(".sh"):
            return ["sh", os.path.join(place.box, name)]
        return [os.path.join(place.box, name)]

    def arguments(self, place, field="Arguments"):
        return place.fill(self.program.one(field) or self.program.one("Arguments") or "")

    def box_options(self, place, options):
        words = place.fill(options)
        if "--timeout" not in words:
            words += ["--timeout", "20s"]
        return [*words, "--report", place.report]

    def in_box(self, tool, options):
        return self.launch(
            lambda place, name: [
                *tool,
                "run",
                *self.box_options(place, options),
                "--",
                *self.command(place, name),
                *self.arguments(place),
            ]
        )

    def on_host(self, mode):
        """A scenario: it starts boxes itself."""
        return self.launch(
            lambda place, name: [sys.executable, os.path.join(place.box, name), mode, place.top, *self.arguments(place)]
        )

    def outside(self):
        return self.launch(
            lambda place, name: [*self.command(place, name), *self.arguments(place, "Arguments outside")]
        )

    def held(self):
        if self.program.is_scenario:
            return self.on_host("held")
        return self.in_box([os.environ["PIVOTBOX"]], self.program.one("Run") or "")

    def weakened(self, walls, options):
        return self.in_box([os.environ["PIVOTBOX_WEAKENED"], ",".join(walls)], options)


def check_held(stage):
    """Problems with the program in its box."""
    run = stage.held()
    problems = []
    if run.escaped:
        problems.append("ESCAPED from its box")
    if stage.program.is_scenario:
        if run.status != 0:
            problems.append(f"ended with {run.status}")
    elif not stage.program.allows(run.verdict):
        problems.append(f"the verdict is {run.verdict} and not {' or '.join(stage.program.verdicts)}")
    return [f"{stage.program.name}: {problem}\n{run}" for problem in problems]


def check_reaches(stage):
    """Problems with the program where the wall is missing."""
    problems = []
    program = stage.program

    def expect(run, how):
        if not run.escaped:
            problems.append(f"{program.name}: does not get through {how}, so it proves nothing\n{run}")

    if program.is_scenario:
        if program.shown:
            expect(stage.on_host("reaches"), "without the wall")
        return problems
    for line in program.all("Reaches without"):
        walls, _, options = line.partition("|")
        walls = [wall.strip() for wall in walls.split("+")]
        expect(stage.weakened(walls, options.strip() or program.one("Run") or ""), f"without {', '.join(walls)}")
    for options in program.all("Reaches with"):
        options = "" if options == "no options" else options
        expect(stage.in_box([os.environ["PIVOTBOX"]], options), f"in a box made with '{options}'")
    if program.all("Reaches outside"):
        expect(stage.outside(), "on the host")
    return problems


def run_area(area, names):
    programs = [p for p in catalogue.programs() if p.area == area and (not names or p.name in names)]
    if not programs:
        print(f"no programs of area {area}")
        return 1
    failed = 0
    ran = 0
    for program in programs:
        if not program.is_for_me:
            print(f"-     {program.name}: {program.one('Only as root') or program.one('Only as an ordinary user')}")
            continue
        begin = time.monotonic()
        stage = Stage(program)
        problems = check_held(stage) + check_reaches(stage)
        ran += 1
        print(f"{'held' if not problems else 'FAIL'}  {program.name} ({time.monotonic() - begin:.2f} s)", flush=True)
        for problem in problems:
            print("  " + problem, flush=True)
        failed += bool(problems)
    print(f"{ran - failed} of {ran} held")
    return 1 if failed else 0


def main():
    fixtures.become_subreaper()
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    return run_area(sys.argv[1], sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
