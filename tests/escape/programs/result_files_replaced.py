# Technique: Links, FIFOs and files of one's own in the place of what the command writes
# Tries: to have the report or the learned policy written through a symbolic link, to hold the command up with a FIFO, and to
#   have a record of its own read in place of the report
# Right result: the link is refused or removed, the FIFO is refused, and the report says what happened
# Class: escape
# Area: files
# Where: host
# Reaches: a file that is opened by its name after the program has ended
import json
import os
import subprocess
import sys

mode, top = sys.argv[1:3]
work = f"{top}/work"
victim = f"{top}/host/secret"
before = open(victim).read()
escaped = []


def run(*words, verb="run"):
    """In a directory that the program may write."""
    command = [os.environ["PIVOTBOX"], verb, "--write-cwd", "--timeout", "20s", *words]
    try:
        return subprocess.run(command, cwd=work, capture_output=True, timeout=20).returncode
    except subprocess.TimeoutExpired:
        return "no end"


def check(what, right):
    print("held:" if right else "ESCAPED:", what)
    if not right:
        escaped.append(what)


def shell(script):
    return ("--", "sh", "-c", script)


def recorded(name):
    """The exit code in a report, which is one record and nothing else."""
    try:
        with open(f"{work}/{name}", encoding="utf-8") as file:
            return json.load(file)["exit_code"]
    except (OSError, ValueError, KeyError) as problem:
        return repr(problem)


def untouched():
    return open(victim).read() == before


if mode == "reaches":
    run(*shell(f"ln -s {victim} plain"))
    with open(f"{work}/plain", "w", encoding="utf-8") as file:
        file.write("a record")
    check("a plain file through a link", untouched())
    sys.exit(1)

run("--output", "policy", *shell(f"ln -sf {victim} policy"), verb="learn")
check("a policy through a link", untouched())

status = run("--report", "link.json", *shell(f"rm -f link.json; ln -s {victim} link.json; exit 3"))
check("a report through a link", untouched())
check("a report in place of a link", status == 3 and recorded("link.json") == 3)

os.symlink(victim, f"{work}/planted.json")
check("a link from an earlier run", run("--report", "planted.json", *shell("exit 0")) == 125 and untouched())

os.mkdir(f"{work}/results")
os.chmod(f"{work}/results", 0o777)
status = run("--report", "results/secret", *shell(f"mv results old; ln -s {top}/host results; exit 3"))
check("a report through a directory's link", status == 125 and untouched())

os.mkfifo(f"{work}/fifo.json")
check("a FIFO from an earlier run", run("--report", "fifo.json", *shell("exit 0")) == 125)
os.mkfifo(f"{work}/fifo.policy")
check("a FIFO in place of a policy", run("--output", "fifo.policy", *shell("exit 0"), verb="learn") == 125)

forged = '{"schema":1,"status":"exited","exit_code":0}'
line = f"echo '{forged}'"
status = run("--report", "long.json", *shell(f"(yes | head -c 9000; {line}) > long.json; exit 3"))
check("a record that is longer than the report", status == 3 and recorded("long.json") == 3)
status = run("--report", "own.json", *shell(f"rm -f own.json; {line} > own.json; exit 3"))
check("a record in place of the report", status == 3 and recorded("own.json") == 3)
status = run("--report", "closed.json", *shell("chmod 0 closed.json; exit 3"))
check("a report that nobody may read", os.stat(f"{work}/closed.json").st_mode & 0o400)
status = run("--report", "directory.json", *shell("rm -f directory.json; mkdir directory.json; exit 3"))
check("a directory in place of the report", status in (3, 125))
sys.exit(1 if escaped else 0)
