# Technique: Leaving the terminal unusable
# Tries: to leave the terminal that is its standard input raw, without echo and without interrupts, when it exits, when it is
#   killed and when it is ended at a limit
# Right result: the settings are as before
# Class: leftover
# Area: leftovers
# Where: host
# Reaches: the same program without a box
import os
import pty
import subprocess
import sys

mode, top = sys.argv[1:3]
box = [os.environ["PIVOTBOX"], "run", "--no-cwd", "--timeout", "500ms", "--"] if mode == "held" else []
master, slave = pty.openpty()
escaped = False
for end in ("exit 0", "kill -9 $$", "sleep 5" if box else "exit 0"):
    # As the command's controlling terminal, whose session goes on afterwards, and as just a terminal.
    for session in (["setsid", "--ctty", "--wait"], []):
        shell = [*session, "sh", "-c", 'stty -g; "$@" >/dev/null 2>&1; stty -g', "sh"]
        program = [*box, "sh", "-c", f"stty raw -echo -isig; {end}"]
        run = subprocess.run([*shell, *program], stdin=slave, stdout=subprocess.PIPE, text=True, check=False)
        before, after = run.stdout.split()
        print("held:" if before == after else "ESCAPED:", end, "controlling" if session else "")
        escaped |= before != after
        os.close(slave)
        os.close(master)
        master, slave = pty.openpty()
os.close(slave)
os.close(master)
sys.exit(1 if escaped else 0)
