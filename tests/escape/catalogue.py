"""The hostile programs, and what their first lines say. Fields, one "Field: value" per comment line, continued by indented lines:

Technique          what it is called
Tries              what it does
Right result       what a box answers
Class              what it would be if it worked: one of CLASSES
Area               one of AREAS: programs of one area are one test
Run                options of `pivotbox run`; {secret} and the like are filled in
Arguments          of the program; "Arguments outside" when it runs on the host
Fixture            what has to be there first (fixtures.py); may be repeated
Verdict            what the report must say, "exited 0" if absent, "signalled" for any signal; may be repeated: any of them
Where              "host" for a scenario, which starts boxes itself, told "held" or "reaches"
Reaches without    walls, joined by "+", whose loss lets it through, perhaps "| OPTIONS" to run it with; may be repeated
Reaches            of a scenario: where it gets through
Reaches with       options of a box that does not hold it
Reaches outside    why it works on the host
Not shown          why it cannot be shown to work anywhere
Only as root, Only as an ordinary user   the reason

"FIELD (root)" and "FIELD (ordinary)" hold for one of the two.
"""

import os
import re

HERE = os.path.dirname(os.path.realpath(__file__))
PROGRAMS = os.path.join(HERE, "programs")

CLASSES = {
    "escape": "reaches or changes the host",
    "leak": "learns what it should not",
    "lateral": "reaches another box",
    "denial": "takes more than its share",
    "integrity": "falsifies what is reported",
    "leftover": "outlives its box",
}

AREAS = {
    "files": "File system",
    "privileges": "Namespaces, identities and privileges",
    "calls": "System calls",
    "resources": "Resources",
    "time": "Time",
    "leftovers": "What outlives a run",
}

FIELDS = {
    "Technique",
    "Tries",
    "Right result",
    "Class",
    "Area",
    "Run",
    "Arguments",
    "Arguments outside",
    "Fixture",
    "Verdict",
    "Where",
    "Reaches",
    "Reaches without",
    "Reaches with",
    "Reaches outside",
    "Not shown",
    "Only as root",
    "Only as an ordinary user",
}

REQUIRED = ("Technique", "Tries", "Right result", "Class", "Area")
IS_ROOT = os.geteuid() == 0
FIELD = re.compile(r"^([A-Z][a-z ]+?)(?: \((root|ordinary)\))?: *(.*)$")


class Program:
    """One file of programs/."""

    def __init__(self, path):
        self.path = path
        self.name = os.path.splitext(os.path.basename(path))[0]
        self.fields = []  # (field, "root", "ordinary" or None, value)
        self.read()
        self.check()

    def read(self):
        comment = "//" if self.path.endswith(".c") else "#"
        with open(self.path, encoding="utf-8") as file:
            for line in file:
                if not line.startswith(comment):
                    break
                text = line.rstrip("\n").removeprefix(comment).removeprefix(" ")
                field = FIELD.match(text)
                if field:
                    self.fields.append((field.group(1), field.group(2), field.group(3)))
                elif self.fields and text.startswith(" "):
                    name, who, value = self.fields[-1]
                    self.fields[-1] = (name, who, f"{value} {text.strip()}".strip())
                else:
                    raise ValueError(f"{self.path}: '{text}' is no field")

    def check(self):
        names = [name for name, _, _ in self.fields]
        for name in names:
            if name not in FIELDS:
                raise ValueError(f"{self.path}: unknown field '{name}'")
        for name in REQUIRED:
            if names.count(name) != 1:
                raise ValueError(f"{self.path}: '{name}' must stand there once")
        if self.area not in AREAS or self.one("Class") not in CLASSES:
            raise ValueError(f"{self.path}: unknown area or class")
        if not self.shown and "Not shown" not in names:
            raise ValueError(f"{self.path}: nothing shows that the attack works: 'Reaches ...', or 'Not shown'")

    def every(self, field):
        return [value for name, _, value in self.fields if name == field]

    def all(self, field):
        """Values that hold for the user this runs as."""
        mine = "root" if IS_ROOT else "ordinary"
        return [value for name, who, value in self.fields if name == field and who in (None, mine)]

    def one(self, field):
        values = self.all(field)
        return values[-1] if values else None

    @property
    def area(self):
        return self.one("Area")

    @property
    def is_scenario(self):
        return self.one("Where") == "host"

    @property
    def shown(self):
        return any(name.startswith("Reaches") for name, _, _ in self.fields)

    @property
    def is_for_me(self):
        return not (self.one("Only as an ordinary user") if IS_ROOT else self.one("Only as root"))

    @property
    def verdicts(self):
        return self.all("Verdict") or ["exited 0"]

    def allows(self, verdict):
        return verdict in self.verdicts or verdict.split()[0] in self.verdicts


def programs():
    names = sorted(name for name in os.listdir(PROGRAMS) if name.endswith((".c", ".py", ".sh")))
    return [Program(os.path.join(PROGRAMS, name)) for name in names if not name.startswith("_")]
