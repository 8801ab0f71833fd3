#!/usr/bin/env python3
"""Compilers, and what they make, in a box with the defaults; computing in a box with a policy for it.

The programs that do something of everything are in languages/.
"""

import sys

sys.dont_write_bytecode = True

import os
import shutil
import signal

from command_line import DEADLINE_SECONDS, CommandLineTest, main

LANGUAGES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "languages")
HEARD = "heard by tcp\nheard by unix\n"
NUMBERS = "".join(f"{number}\n" for number in range(1000, 0, -1))
SUM = "500500\n"


class LanguageTest(CommandLineTest):
    def setUp(self):
        super().setUp()
        signal.alarm(4 * DEADLINE_SECONDS)  # compilers take their time

    def need(self, *programs):
        """Boxes have the host's /usr: what lies elsewhere is not there."""
        for program in programs:
            if shutil.which(program, path="/usr/bin:/bin") is None:
                self.skipTest(f"{program} is not installed in /usr, and not by ./dev either")

    def bring(self, *names):
        for name in names:
            shutil.copy(os.path.join(LANGUAGES, name), self.path(name))
            os.chmod(self.path(name), 0o644)

    def build(self, *words):
        """Runs a compiler in a box."""
        finished = self.pivotbox("run", "--write-cwd", "--", *words)
        self.assertEqual((finished.status, finished.errors), (0, ""), finished)


class Everything(LanguageTest):
    def test_cxx(self):
        self.bring("everything.cc", "CMakeLists.txt")
        for generator in ("Ninja", "Unix Makefiles"):
            with self.subTest(generator=generator):
                self.build("cmake", "-S", ".", "-B", generator, "-G", generator)
                self.build("cmake", "--build", generator, "--parallel", "2")
                self.assert_output(self.pivotbox("run", f"./{generator}/everything"), "threads\ncaught\n1\n")
        self.build("g++", "-O2", "-flto=2", "-static", "everything.cc", "-o", "static")
        self.assert_output(self.pivotbox("run", "./static"), "threads\ncaught\n1\n")

    def test_go(self):
        self.need("go")
        self.bring("everything.go")
        self.build("go", "build", "everything.go")
        expected = f"goroutines\nticks\nsaid\n{HEARD}kept\nuser defined signal 1\n"
        self.assert_output(self.pivotbox("run", "./everything"), expected)

    def test_rust(self):
        self.need("rustc")
        self.bring("everything.rs")
        self.build("rustc", "--edition", "2021", "-O", "everything.rs")
        self.assert_output(self.pivotbox("run", "./everything"), f"threads\ncondition\npiped\n{HEARD}kept\n")

    def test_java(self):
        self.need("java", "javac")
        self.bring("Everything.java")
        self.build("javac", "Everything.java")
        for collector in ("Serial", "Parallel", "G1"):
            with self.subTest(collector=collector):
                finished = self.pivotbox("run", "java", f"-XX:+Use{collector}GC", "Everything")
                self.assert_output(finished, f"threads\ntimer\nsaid\n{HEARD}kept\n")

    def test_node(self):
        self.need("node")
        self.bring("everything.js")
        finished = self.pivotbox("run", "node", "everything.js")
        self.assert_output(finished, f"workers\ntimer\nsaid\npiped\n{HEARD}kept\nSIGUSR2\n")

    def test_python(self):
        self.bring("everything.py")
        pools = "".join(f"{kind} [2, 4]\n" for kind in ("fork", "spawn", "forkserver", "threads"))
        finished = self.pivotbox("run", "/usr/bin/python3", "everything.py")
        self.assert_output(finished, f"{pools}heard by tcp\nsaid\nheard by unix\nTrue\npiped\n3\nalarm\nwal\n/dev/pts\n")

    def test_shell(self):
        self.bring("everything.sh")
        said = "substituted coprocess trapped fifo locked fifo first made made perl".replace(" ", "\n")
        self.assert_output(self.pivotbox("run", "bash", "everything.sh"), f"{SUM}{said}\n")


class Computing(LanguageTest):
    def assert_computes(self, policy, *words):
        finished = self.pivotbox("run", "--policy", policy, "--", *words, stdin=None, input=NUMBERS.encode())
        self.assert_output(finished, SUM)

    def test_scripts(self):
        for words in (
            ("/usr/bin/python3", "-c", "import sys, random, json; print(sum(sorted(map(int, sys.stdin))))"),
            ("awk", "{ sum += $1 } END { print sum }"),
            ("perl", "-e", 'my $sum; $sum += $_ for sort <STDIN>; print "$sum\\n"'),
            ("bash", "-c", "sum=0; while read -r n; do ((sum += n)); done; echo $sum"),
        ):
            with self.subTest(program=words[0]):
                self.assert_computes("compute", *words)

    def test_cxx(self):
        self.write(
            "sum.cc",
            """#include <algorithm>
               #include <iostream>
               #include <numeric>
               #include <vector>
               int main() {
                 std::vector<int> all;
                 for (int n; std::cin >> n;) all.push_back(n);
                 std::ranges::sort(all);
                 std::vector<char> large(50000000, 1);
                 std::cout << std::accumulate(all.begin(), all.end(), 0) << std::endl;
               }""",
        )
        for options in ((), ("-static",)):
            with self.subTest(options=options):
                self.build("g++", "-std=c++20", *options, "sum.cc", "-o", "sum")
                self.assert_computes("compute", "./sum")

    def test_rust(self):
        self.need("rustc")
        self.write(
            "sum.rs",
            """use std::io::BufRead;
               fn sum() -> i64 { std::io::stdin().lock().lines().map(|n| n.unwrap().parse::<i64>().unwrap()).sum() }
               fn main() {
                   let threads = std::env::args().count() > 1;
                   println!("{}", if threads { std::thread::spawn(sum).join().unwrap() } else { sum() });
               }""",
        )
        self.build("rustc", "-O", "sum.rs")
        self.assert_computes("compute", "./sum")
        self.assert_computes("compute-threads", "./sum", "threads")

    def test_go(self):
        self.need("go")
        self.write(
            "sum.go",
            """package main
               import "fmt"
               func main() {
                   sums := make(chan int)
                   go func() {
                       sum, n := 0, 0
                       for { if _, err := fmt.Scan(&n); err != nil { break }; sum += n }
                       sums <- sum
                   }()
                   fmt.Println(<-sums)
               }""",
        )
        self.build("go", "build", "sum.go")
        self.assert_computes("compute-threads", "./sum")

    def test_java(self):
        self.need("java", "javac")
        self.write(
            "Sum.java",
            """import java.io.*;
               public class Sum {
                   public static void main(String[] arguments) {
                       var lines = new BufferedReader(new InputStreamReader(System.in)).lines();
                       System.out.println(lines.parallel().mapToInt(Integer::parseInt).sum());
                   }
               }""",
        )
        self.build("javac", "Sum.java")
        self.assert_computes("compute-threads", "java", "Sum")

    def test_node(self):
        self.need("node")
        script = "console.log(fs.readFileSync(0, 'utf8').trim().split('\\n').map(Number).reduce((a, b) => a + b))"
        self.assert_computes("compute-threads", "node", "-e", script)


if __name__ == "__main__":
    main()
