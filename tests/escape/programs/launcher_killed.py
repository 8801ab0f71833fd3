# Technique: Outliving the command
# Tries: to go on in sessions and groups of its own when the command that started the box is killed (SIGKILL)
# Right result: everything in the box dies with it
# Class: leftover
# Area: leftovers
# Where: host
# Reaches: the same processes without a box
import os
import select
import subprocess
import sys

mode, top = sys.argv[1:3]
script = "(setsid sleep 30 >/dev/null 2>&1 &) ; (trap '' TERM HUP INT; sleep 30 & sleep 30) & echo ready; sleep 30"
box = [os.environ["PIVOTBOX"], "run", "--timeout", "20s", "--"] if mode == "held" else []
process = subprocess.Popen([*box, "sh", "-c", script], stdout=subprocess.PIPE, cwd=f"{top}/box", start_new_session=True)
assert process.stdout.readline() == b"ready\n"
# The pipe's last writer is the box's last process but the one whose output is elsewhere, which the harness would find.
process.kill()
process.wait()
ready, _, _ = select.select([process.stdout], [], [], 5 if mode == "held" else 0.2)
ended = bool(ready) and process.stdout.read() == b""
print("held: all gone" if ended else "ESCAPED: processes are left")
sys.exit(0 if ended else 1)
