# Technique: Leaving descriptors that do not block
# Tries: to leave O_NONBLOCK, O_ASYNC and O_APPEND set on standard input, output and error, which the caller goes on using
# Right result: the flags are as before
# Class: leftover
# Area: leftovers
# Where: host
# Reaches: the same program without a box
import fcntl
import os
import pty
import subprocess
import sys

mode, top = sys.argv[1:3]
box = [os.environ["PIVOTBOX"], "run", "--no-cwd", "--"] if mode == "held" else []
ATTACK = """
import fcntl, os
for descriptor in range(3):
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_NONBLOCK | os.O_ASYNC | os.O_APPEND)
"""
master, slave = pty.openpty()
reading, writing = os.pipe()
escaped = False
with open(os.path.join(top, "output"), "wb") as file:
    for name, files in (
        ("a terminal", (slave, slave, slave)),
        ("pipes", (reading, writing, writing)),
        ("a file", (reading, file.fileno(), writing)),
    ):
        before = [fcntl.fcntl(one, fcntl.F_GETFL) for one in files]
        words = [*box, "python3", "-c", ATTACK]
        status = subprocess.run(words, stdin=files[0], stdout=files[1], stderr=files[2], check=False).returncode
        after = [fcntl.fcntl(one, fcntl.F_GETFL) for one in files]
        print("held:" if before == after else "ESCAPED:", name, status)
        escaped |= before != after or status != 0
os.unlink(os.path.join(top, "output"))
for descriptor in (master, slave, reading, writing):
    os.close(descriptor)
sys.exit(1 if escaped else 0)
