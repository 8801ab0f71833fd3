# Technique: Leaving the terminal stopped or closed
# Tries: without a filter, to leave the terminal with its output stopped and closed to others, when it exits and when it is ended
#   at a limit, so that the command hangs in its own message, too
# Right result: the terminal is as before, and the report is written
# Class: leftover
# Area: leftovers
# Where: host
# Reaches: the same program without a box
import contextlib
import fcntl
import json
import os
import pty
import select
import subprocess
import sys
import termios
import threading

mode, top = sys.argv[1:3]
report = os.path.join(top, "record.json")
box = ["run", "--no-cwd", "--policy", "none", "--timeout", "1s", "--report", report, "--"]
box = [os.environ["PIVOTBOX"], *box] if mode == "held" else []
ATTACK = "import fcntl, termios, time; termios.tcflow(0, termios.TCOOFF); fcntl.ioctl(0, termios.TIOCEXCL); "
TIOCGEXCL = 0x80045440
LONG_ENOUGH_SECONDS = 20
escaped = False


def tell(wrong, what):
    global escaped
    escaped |= wrong
    print("ESCAPED:" if wrong else "held:", what, flush=True)


for end in ("raise SystemExit(0)", "time.sleep(1000)" if box else "raise SystemExit(0)"):
    master, slave = pty.openpty()

    def read_screen(screen=master):
        with contextlib.suppress(OSError):  # the terminal has been hung up
            while os.read(screen, 4096):
                pass

    threading.Thread(target=read_screen, daemon=True).start()
    words = ["setsid", "--ctty", *box, "python3", "-c", ATTACK + end]
    with subprocess.Popen(words, stdin=slave, stdout=slave, stderr=slave) as run:
        try:
            run.wait(LONG_ENOUGH_SECONDS)
        except subprocess.TimeoutExpired:
            tell(True, "the command hangs")
            run.kill()
    tell(not select.select([], [slave], [], 1)[1], "the output")  # nothing can be written to one that is stopped
    exclusive = int.from_bytes(fcntl.ioctl(slave, TIOCGEXCL, bytes(4)), sys.byteorder)
    tell(bool(exclusive), "the way in")
    if box:
        with open(report, encoding="utf-8") as file:
            tell(not file.read(), "the report")
        os.unlink(report)
    os.close(slave)
sys.exit(1 if escaped else 0)
