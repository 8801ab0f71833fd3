# Technique: A mount target that leads through a planted symbolic link (CVE-2021-30465, CVE-2026-41579, CVE-2015-3629)
# Tries: to have a tmpfs mounted over /etc of the box, by a link in a bound directory that others may write
# Right result: the box is refused
# Class: escape
# Area: files
# Where: host
# Reaches: a plain mount(8) in the same place follows the link
import os
import subprocess
import sys

mode, top = sys.argv[1:3]
work = f"{top}/work"
os.makedirs(f"{top}/elsewhere/x")
os.symlink(f"{top}/elsewhere" if mode == "reaches" else "/etc", f"{work}/link")
if mode == "reaches":
    map_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    script = f"mount -t tmpfs none {work}/link/x && grep -c ' {top}/elsewhere/x ' /proc/self/mountinfo"
    finished = subprocess.run(["unshare", *map_root, "--mount", "sh", "-c", script], stdout=subprocess.PIPE, text=True)
    print("ESCAPED: mounted through the link" if finished.stdout == "1\n" else "CANNOT: " + finished.stdout)
    sys.exit(1 if finished.stdout == "1\n" else 2)
for target in ("link/ssl", "link", "link/new", "link/../../etc/ssl"):
    words = ["run", "--timeout", "20s", "--ro-bind", f"{work}:/w", "--tmpfs", f"/w/{target}", "--", "cat", "/proc/self/mounts"]
    run = subprocess.run([os.environ["PIVOTBOX"], *words], capture_output=True, text=True)
    inside = [line for line in run.stdout.splitlines() if line.split()[1].startswith("/etc/ssl ")]
    if run.returncode == 125:
        print("held:", target, run.stderr.splitlines()[0])
    elif inside or run.returncode != 0:
        print("ESCAPED:", target, run.returncode, run.stdout, run.stderr)
        sys.exit(1)
    else:
        print("held:", target, "is taken by its name")
