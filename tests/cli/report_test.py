#!/usr/bin/env python3
"""The record of a run."""

import sys

sys.dont_write_bytecode = True

import contextlib
import json
import os
import pathlib
import select
import stat
import subprocess

from command_line import DEADLINE_SECONDS, RAN, CommandLineTest, command, main

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
SCHEMA = json.loads((DOCS / "report.schema.json").read_text(encoding="utf-8"))
TYPES = {"integer": int, "string": str, "boolean": bool, "null": type(None), "array": list, "object": dict}


def problems(value, schema, place="record"):
    """What of `value` is not as `schema` says, for as much of JSON Schema as ours uses."""
    known = {"$schema", "$defs", "title", "$ref", "const", "enum", "type", "minimum", "maximum"}
    known |= {"items", "properties", "required", "additionalProperties"}
    assert set(schema) <= known, f"{place}: {set(schema) - known} would not be checked"
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    types = schema.get("type", list(TYPES))
    if type(value) not in [TYPES[name] for name in ([types] if isinstance(types, str) else types)]:
        yield f"{place}: {value!r} is no {types}"
    if "const" in schema and value != schema["const"] or value not in schema.get("enum", [value]):
        yield f"{place}: {value!r} is not among those allowed"
    if isinstance(value, int) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{place}: {value!r} is out of range"
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from problems(item, schema.get("items", {}), f"{place}[{number}]")
    if isinstance(value, dict):
        assert schema["additionalProperties"] is False
        yield from (f"{place}: {name} is missing" for name in schema["required"] if name not in value)
        yield from (f"{place}: {name} is not known" for name in value if name not in schema["properties"])
        for name, member in value.items():
            yield from problems(member, schema["properties"].get(name, {}), f"{place}.{name}")


class RecordTest(CommandLineTest):
    def assert_record(self, record, **expected):
        self.assertEqual(list(problems(record, SCHEMA)), [])
        self.assertEqual({name: record[name] for name in expected}, expected)

    def assert_failure(self, record, status, **expected):
        self.assert_record(record, status=status)
        error = record.pop("error")
        self.assertEqual(
            {name: value for name, value in record.items() if value is not None}, {"schema": 1, "status": status}
        )
        self.assertEqual({name: error[name] for name in expected}, expected)
        return error


class Schema(CommandLineTest):
    def test_is_checked(self):
        whole = {name: None for name in SCHEMA["required"]} | {"schema": 1, "status": "exited"}
        self.assertEqual(list(problems(whole, SCHEMA)), [])
        for name, wrong in (("schema", 2), ("status", "ended"), ("exit_code", 256), ("exit_code", "0"), ("new", 1)):
            self.assertEqual(len(list(problems(whole | {name: wrong}, SCHEMA))), 1, name)
        del whole["signal"]
        self.assertEqual(list(problems(whole, SCHEMA)), ["record: signal is missing"])

    def test_is_documented(self):
        text = (DOCS / "report.md").read_text(encoding="utf-8")
        names = set(SCHEMA["properties"]) | set(SCHEMA["properties"]["status"]["enum"])
        for part in SCHEMA["$defs"].values():
            names |= set(part["properties"])
        self.assertEqual([name for name in sorted(names) if f"`{name}`" not in text], [])


class Record(RecordTest):
    def test_of_a_program_that_exits(self):
        record, finished = self.report_of("--", "sh", "-c", "exit 42")
        self.assertEqual((finished.status, finished.errors), (42, ""))
        self.assert_record(
            record, status="exited", exit_code=42, signal=None, signal_name=None, core_dumped=False
        )
        self.assertEqual(self.read("report.json").count("\n"), 1)
        self.assertEqual(list(record["strength"]), ["namespaces", "landlock_abi", "filter"])
        self.assertEqual((record["strength"]["namespaces"], record["strength"]["filter"]), (True, True))
        self.assertGreaterEqual(record["strength"]["landlock_abi"], 2)

    def test_of_weaker_walls(self):
        record, _ = self.report_of("--no-landlock", "--policy", "none", "--", "true")
        self.assertEqual(record["strength"], {"namespaces": True, "landlock_abi": 0, "filter": False})

    def test_of_a_signal(self):
        record, finished = self.report_of("--", "sh", "-c", "kill -SEGV $$")
        self.assertEqual(finished.status, 139)
        self.assert_record(record, status="signalled", exit_code=None, signal=11, signal_name="SIGSEGV")

    def test_of_the_time_limit(self):
        record, finished = self.report_of("--timeout", "200ms", "--", "sleep", "1000")
        self.assertEqual(finished.status, 124)
        self.assert_record(record, status="wall_time_exceeded", exit_code=None, signal=9, signal_name="SIGKILL")
        self.assertGreaterEqual(record["wall_time_ns"], 200_000_000)
        self.assertLess(record["wall_time_ns"], 60_000_000_000)

    def test_measures_time_and_memory(self):
        script = "import time; x = bytearray(100 << 20)\nwhile time.process_time() < 0.3: pass"
        record, _ = self.report_of("--", "python3", "-c", script)
        self.assert_record(record, status="exited", exit_code=0)
        self.assertGreaterEqual(record["user_time_us"] + record["system_time_us"], 280_000)
        self.assertGreaterEqual(record["wall_time_ns"], 280_000_000)
        self.assertGreaterEqual(record["peak_memory_bytes"], 100 << 20)
        self.assertLess(record["peak_memory_bytes"], 1 << 30)

    def test_of_a_program_that_is_not_there(self):
        record, finished = self.report_of("--", "no-such-program")
        self.assertEqual(finished.status, 127)
        error = self.assert_failure(record, "setup_failed", kind="exec", errno=2, errno_name="ENOENT")
        self.assertIn("no-such-program", error["message"])

    def test_of_a_sandbox_that_cannot_be_set_up(self):
        record, finished = self.report_of("--ro-bind", "/nothing:/mnt", "--", "true")
        self.assertEqual(finished.status, 125)
        error = self.assert_failure(record, "setup_failed", field="--ro-bind /nothing:/mnt", errno_name="ENOENT")
        self.assertIn(error["message"], finished.errors)

    def test_of_a_contradiction(self):
        record, finished = self.report_of("--tmpfs", "/mnt:size=1", "--", "true")
        self.assertEqual(finished.status, 125)
        error = self.assert_failure(record, "setup_failed", kind="invalid", errno=None, syscall=None)
        self.assertEqual(error["field"], "--tmpfs /mnt:size=1")

    def test_keeps_bytes_that_are_not_text(self):
        for name in (
            b"\xff",
            b"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80",
            b"quote \" backslash \\ line\ntab\tdelete\x7f",
            b"overlong \xc0\x80 \xe0\x80\x80 \xf0\x80\x80\x80",
            b"surrogate \xed\xa0\x80, beyond U+10FFFF \xf4\x90\x80\x80",
            b"cut short \xe2\x82",
        ):
            with self.subTest(name=name):
                record, finished = self.report_of("--", name)
                self.assertEqual(finished.status, 127)
                self.assertIn(name.decode(errors="surrogateescape"), record["error"]["action"])
                self.assertTrue(record["error"]["message"].isprintable())
                self.assertEqual(self.read("report.json").count("\n"), 1)
                self.assertTrue(self.read("report.json").rstrip("\n").isprintable())

    def test_on_standard_output(self):
        finished = self.pivotbox("run", "--report", "-", "echo", "from the program")
        self.assertEqual((finished.status, finished.errors), (0, ""))
        first, second = finished.output.splitlines()
        self.assertEqual(first, "from the program")
        self.assert_record(json.loads(second), status="exited")
        self.assertEqual(os.listdir(self.directory), [])


class Timing(RecordTest):
    def test_is_in_the_record(self):
        record, finished = self.report_of("--timing", "--tmpfs", "/mnt", "--", "true")
        self.assertEqual((finished.status, finished.errors), (0, ""))
        self.assert_record(record, status="exited")
        steps = record["steps"]
        self.assertGreater(len(steps), 10)
        self.assertTrue(any("/mnt" in step["description"] for step in steps))
        self.assertEqual([step["step"] for step in steps], sorted({step["step"] for step in steps}))

    def test_is_a_table_without_a_record(self):
        finished = self.run_shell("echo done", "--timing", "--tmpfs", "/mnt")
        self.assertEqual((finished.status, finished.output), (0, "done\n"))
        title, *lines = finished.errors.splitlines()
        self.assertEqual(title.split(), ["step", "microseconds", "description"])
        self.assertGreater(len(lines), 10)
        for line in lines:
            self.assertRegex(line, r"^ *\d+ +\d+\.\d  \S")

    def test_is_not_there_unless_asked_for(self):
        record, _ = self.report_of("--", "true")
        self.assertNotIn("steps", record)


class ReportFile(CommandLineTest):
    def test_is_made_for_all_to_read_and_replaces_an_old_one(self):
        self.write("record.json", "x" * 10000)
        os.chmod(self.path("record.json"), 0o644)
        for name in ("record.json", "new.json"):
            with self.subTest(name=name):
                finished = self.pivotbox("run", "--report", name, "true", umask=0o022)
                self.assert_output(finished, "")
                self.assertEqual(json.loads(self.read(name))["status"], "exited")
                self.assertEqual(stat.S_IMODE(os.stat(self.path(name)).st_mode), 0o644)

    def test_that_cannot_be_opened_means_that_nothing_runs(self):
        self.write("target", "precious\n")
        os.symlink("target", self.path("link"))
        os.mkfifo(self.path("fifo"))
        for name, why in (
            ("nothing/record.json", "No such file or directory"),
            (".", "Is a directory"),
            ("link", "symbolic links"),
            ("fifo", "needs a reader"),
        ):
            with self.subTest(name=name):
                finished = self.run_shell(f"echo {RAN}", "--report", name)
                self.assert_refused(finished, 125, "--report", name)
                self.assertIn(why, finished.errors)
        self.assertEqual(self.read("target"), "precious\n")

    def test_that_cannot_be_written_is_an_error(self):
        finished = self.run_shell("exit 0", "--report", "/dev/full")
        self.assert_refused(finished, 125, "/dev/full", "No space left on device")

    def test_is_written_before_anything_is_said(self):
        os.mkfifo(self.path("report"))
        report = os.open(self.path("report"), os.O_RDONLY | os.O_NONBLOCK)
        reading, writing = os.pipe()  # standard error, full and not read
        os.set_blocking(writing, False)
        with contextlib.suppress(BlockingIOError):
            while os.write(writing, bytes(4096)):
                pass
        os.set_blocking(writing, True)
        words = [command(), "run", "--report", "report", "--timeout", "100ms", "sleep", "1000"]
        with subprocess.Popen(words, cwd=self.directory, stdin=subprocess.DEVNULL, stderr=writing) as process:
            os.close(writing)
            with open(reading, "rb") as errors:
                ready, _, _ = select.select([report], [], [], DEADLINE_SECONDS / 2)
                self.assertTrue(ready)
                self.assertEqual(json.loads(os.read(report, 65536))["status"], "wall_time_exceeded")
                self.assertIn(b"wall time limit exceeded", errors.read())
            self.assertEqual(process.wait(DEADLINE_SECONDS), 124)
        os.close(report)

    def test_that_is_too_large_for_the_caller_is_an_error(self):
        # The launch itself writes files in memory, so the limit leaves room for those.
        limit = 1 << 17
        many = [word for number in range(600) for word in ("--dir", f"/d/{number}/" + "x" * 100)]
        words = ["run", "--report", "record.json", "--timing", *many, "true"]
        finished = self.run_outside(["prlimit", f"--fsize={limit}", command(), *words])
        self.assert_refused(finished, 125, "record.json", "File too large")
        self.assertEqual(os.stat(self.path("record.json")).st_size, limit)

    def test_into_a_closed_pipe_is_an_error(self):
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "wb") as pipe:
            finished = subprocess.run(
                [command(), "run", "--report", "-", "true"],
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=pipe,
                stderr=subprocess.PIPE,
                check=False,
            )
        self.assertEqual(finished.returncode, 125)
        self.assertIn(b"Broken pipe", finished.stderr)


if __name__ == "__main__":
    main()
