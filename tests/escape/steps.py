"""Which hostile programs catch the loss of each kind of step: every protective step must be needed by one.

What a step's loss lets through is shown by the programs themselves (harness.py); here it is made sure that no kind of step
is without one, unless a box without that step is not built at all, or the step protects nothing.
"""

import os
import subprocess
import sys

import catalogue
import fixtures

# Kinds whose loss takes something from the program, and lets it reach nothing.
NO_WALL = {
    "await_program": "only a box that is built ahead of its program has it (Runner::build()), and the program is not known",
    "change_directory": "the program starts in the root instead",
}

# Kinds that some boxes have not got: who asks for them.
SOMETIMES = {
    "assume_ids": "boxes started by root",
    "attach_mount": "boxes started by root, whose sources the host opens: its walls are those of `clone_tree`",
    "clone_tree": "boxes started by an ordinary user",
    "write_cgroup": "boxes with a limit that needs a control group",
}

# Landlock guards the same files again: what it holds too is shown with it gone as well, and counts as the other step's.
SECOND_WALL = "restrict_landlock"

# Made by clone3(2), with the child itself.
NOT_STEPS = {"clone": "the user and the pid namespace, which the child is born in"}

# Boxes that together have every kind of step that the command line can ask for.
BOXES = ("", "--pid1 program", "--overlay {host}:/src", "--mask /etc/passwd", "--ro-bind {work}:/w")

TAKES_NOTHING = 3
SANDBOX_FAILED = 125
NOT_FOUND = 127


def weakenings():
    """Name of each weakening -> the kind of step that loses a wall."""
    listed = subprocess.run([os.environ["PIVOTBOX_WEAKENED"], "--list"], stdout=subprocess.PIPE, text=True, check=True)
    return dict(line.split() for line in listed.stdout.splitlines())


def walls_of(program):
    """The sets of walls whose loss lets it through."""
    return [
        [wall.strip() for wall in line.partition("|")[0].split("+")] for line in program.every("Reaches without")
    ]


def catchers(programs, step_of):
    """Kind of step -> names of programs that catch its loss: alone (but for the second wall), and together with others'."""
    alone, together = {}, {}
    for program in programs:
        for walls in walls_of(program):
            first = [wall for wall in walls if wall != SECOND_WALL] or walls
            for wall in walls:
                found = (alone if [wall] == first else together).setdefault(step_of[wall], {})
                found.setdefault(program.name, set()).add(wall)
    return alone, together


def is_caught(kind, alone):
    """Whether a program gets through when all of these steps are gone, and nothing else is."""
    return any(kind in walls for walls in alone.get(kind, {}).values())


def loss_is_fatal(kind):
    """Whether no box is built without such steps; None when no box has one."""
    outcome = None
    for options in BOXES:
        with fixtures.Place() as place:
            words = [os.environ["PIVOTBOX_WEAKENED"], kind, "run", "--timeout", "20s", *place.fill(options), "--", "true"]
            run = subprocess.run(words, cwd=place.box, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if run.returncode == TAKES_NOTHING:
            continue
        outcome = run.returncode in (SANDBOX_FAILED, NOT_FOUND)
        print(f"{kind}: {run.returncode} {run.stderr.strip().splitlines()[:1]}")
        if not outcome:
            return False
    return outcome


def problems():
    step_of = weakenings()
    programs = catalogue.programs()
    for program in programs:
        for walls in walls_of(program):
            for wall in walls:
                if wall not in step_of:
                    yield f"{program.name}: '{wall}' is no weakening"
    alone, together = catchers(programs, step_of)
    for wall, kind in step_of.items():
        if wall == kind and not is_caught(kind, alone) and kind not in NO_WALL:
            fatal = loss_is_fatal(kind)
            if fatal is False or (fatal is None and kind not in SOMETIMES):
                yield f"{kind}: no hostile program notices its loss: write one that 'Reaches without: {kind}'"
        used = any(wall in walls for found in (alone, together) for walls in found.get(kind, {}).values())
        if wall != kind and kind != "none" and not used:
            yield f"{wall}: no hostile program notices its loss: write one that 'Reaches without: {wall}'"


def main():
    fixtures.become_subreaper()
    found = list(problems())
    print(*found, sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
