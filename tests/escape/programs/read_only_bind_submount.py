# Technique: A writable mount below a directory that was bound read-only
# Tries: to write to a file system that the host has mounted below the bound directory
# Right result: EROFS: a bind is read-only with all that is below
# Class: escape
# Area: files
# Where: host
# Only as root: an ordinary user can mount nothing outside of a user namespace
# Reaches: with a bind made writable by the same means
import os
import subprocess
import sys

mode, top = sys.argv[1:3]
work = f"{top}/work"
tool = [os.environ["PIVOTBOX"]] if mode == "held" else [os.environ["PIVOTBOX_WEAKENED"], "bind.read_only"]
write = f"echo ESCAPED: wrote below a read-only bind > {work}/sub/file && cat {work}/sub/file || echo held: $?"
words = [*tool, "run", "--timeout", "20s", "--ro-bind", work, "--chdir", "/", "--", "sh", "-c", write]
# A mount namespace of its own, so that the host keeps its mounts.
script = f'mkdir {work}/sub && mount -t tmpfs -o mode=777 none {work}/sub && exec "$@"'
finished = subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", *words], stdout=subprocess.PIPE, text=True)
print(finished.stdout)
sys.exit(1 if "ESCAPED" in finished.stdout else 0 if "held" in finished.stdout else 2)
