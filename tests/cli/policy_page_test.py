#!/usr/bin/env python3
"""docs/policy.md against the presets themselves: whatever is said of a call in a policy has to be on the page."""

import sys

sys.dont_write_bytecode = True

import os
import re
import unittest

from command_line import main

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
POLICIES = os.path.join(ROOT, "src", "seccomp", "policies")


def text_of(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def rules_of(preset):
    """(action, call or @group) of every rule, those of included parts too."""
    for line in text_of(POLICIES, preset + ".policy").splitlines():
        words = line.partition("#")[0].partition(" if ")[0].split()
        if not words or words[0] in ("default", "unknown"):
            continue
        if words[0] == "include":
            yield from rules_of(words[1] if words[1].startswith("compute") else "parts/" + words[1])
        else:
            yield from ((words[0], name) for name in words[1:])


class PolicyPage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        presets = text_of(ROOT, "docs", "policy.md").partition("## Presets")[2].partition("## The language")[0]
        cls.default, _, cls.compute = presets.partition("`compute` refuses")
        cls.groups = re.findall(r"^@(\w+)", text_of(POLICIES, "groups.policy"), re.MULTILINE)

    def on(self, page):
        return set(re.findall(r"`(@?\w+)`", page))

    def test_all_that_default_refuses_is_on_it(self):
        refused = {name for action, name in rules_of("default") if action != "allow"}
        self.assertGreater(len(refused), 30)
        self.assertEqual(refused - self.on(self.default), set())

    def test_all_that_compute_says_is_on_it(self):
        said = {name for _, name in rules_of("compute")}
        self.assertGreater(len(said), 50)
        self.assertEqual(said - self.on(self.default) - self.on(self.compute), set())
        allowed = {name for action, name in rules_of("compute") if action == "allow"}
        self.assertEqual(allowed - self.on(self.compute), set())

    def test_it_names_nothing_that_the_presets_do_not(self):
        known = {name for preset in ("default", "compute", "compute-threads") for _, name in rules_of(preset)}
        for group in self.groups:
            members = text_of(POLICIES, "groups.policy").partition(f"@{group} {{")[2].partition("}")[0].split()
            if "@" + group in known:
                known.update(members)
        presets = {"default", "compute", "none"}
        rows = "\n".join(line.split("|")[1] for line in (self.default + self.compute).splitlines() if line.startswith("| "))
        self.assertEqual(self.on(rows) - known - presets, set())


if __name__ == "__main__":
    main()
