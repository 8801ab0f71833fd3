# Technique: Being started in /proc/self/fd/N (CVE-2024-21626)
# Tries: to have the box's working directory set through the magic link of a descriptor that leaked into the command
# Right result: refused before anything runs
# Class: escape
# Area: files
# Run: --pid1 program --chdir /proc/self/fd/{fd}
# Fixture: inherited_directory
# Verdict: setup_failed
# Not shown: the refusal is RESOLVE_NO_MAGICLINKS in the code of the step; that such a directory leads out is shown by
#   old_root_by_working_directory
import os

print("ESCAPED: the program runs in", os.getcwd(), os.listdir("."))
raise SystemExit(1)
