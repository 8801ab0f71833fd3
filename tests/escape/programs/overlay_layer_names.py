# Technique: Overlay options smuggled in by a directory's name
# Tries: to add a lower directory of the host by commas, colons and backslashes in the name of a layer
# Right result: the name is taken as it is, or refused
# Class: escape
# Area: files
# Where: host
# Reaches: mount(8) takes the name apart
import os
import subprocess
import sys

mode, top = sys.argv[1:3]
name = f"{top}/work/a,lowerdir={top}/host"
os.makedirs(name)
if mode == "reaches":
    map_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    os.makedirs(f"{top}/work/target")
    os.makedirs(f"{top}/work/a")
    script = f"mount -t overlay none -o 'lowerdir={name}:{top}/box' {top}/work/target && cat {top}/work/target/secret"
    run = subprocess.run(["unshare", *map_root, "--mount", "sh", "-c", script], capture_output=True, text=True)
    print("ESCAPED: " + run.stdout if run.stdout.startswith("pivotbox-escape") else "CANNOT: " + run.stderr)
    sys.exit(1 if run.stdout.startswith("pivotbox-escape") else 2)
escaped = name.replace(":", "\\:")
for layers in (f"{escaped}:{top}/work:/src", f"{escaped}:/src"):
    words = ["run", "--timeout", "20s", "--overlay", layers, "--", "sh", "-c", "cat /src/secret && echo ESCAPED: reads it"]
    run = subprocess.run([os.environ["PIVOTBOX"], *words], capture_output=True, text=True)
    print(run.stdout, "held:", run.returncode, run.stderr)
    if "ESCAPED" in run.stdout or run.returncode not in (1, 125):
        sys.exit(1)
