# Technique: Mount propagation to the host
# Tries: to have the mounts of the set-up appear in the mount namespace of the caller, whose mounts are shared
# Right result: nothing appears: every mount is private before the first one is made
# Class: leftover
# Area: leftovers
# Where: host
# Only as root: without a user namespace of the box's own, which makes the copies slaves, only root can start one
# Reaches without: make_private
import os
import subprocess
import sys

mode = sys.argv[1]
walls = "namespace.user" if mode == "held" else "namespace.user,make_private"
script = (
    "mount --make-rshared / && cp /proc/self/mountinfo /tmp/$1 && "
    '"$2" "$3" run --timeout 20s --no-default-root --ro-bind /usr --symlink usr/lib64:/lib64 --symlink usr/lib:/lib -- /usr/bin/true; echo $?; '
    "diff /tmp/$1 /proc/self/mountinfo; rm /tmp/$1"
)
token = os.path.basename(sys.argv[2]) + "-mounts"
words = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", token, os.environ["PIVOTBOX_WEAKENED"]]
finished = subprocess.run([*words, walls], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
print(finished.stdout)
appeared = any(line.startswith("> ") for line in finished.stdout.splitlines())
if appeared:
    print("ESCAPED: mounts appeared")
elif finished.stdout == "0\n":
    print("held: nothing appeared")
    sys.exit(0)
sys.exit(1 if appeared else 2)
