# Technique: Outliving the command, from before the program is executed
# Tries: to be left half built when the command is killed during the set-up
# Right result: the half-built box dies with it
# Class: leftover
# Area: leftovers
# Where: host
# Reaches without: guard_parent
import os
import subprocess
import sys

mode, top = sys.argv[1:3]
walls = "living_host" if mode == "held" else "living_host,guard_parent"
words = [os.environ["PIVOTBOX_WEAKENED"], walls, "run", "--timeout", "20s", "--", "true"]
finished = subprocess.run(words, cwd=f"{top}/box", check=False)
# What is left is found by the harness, which inherits it.
print("the command ended with", finished.returncode)
sys.exit(0 if finished.returncode == -9 else 2)
