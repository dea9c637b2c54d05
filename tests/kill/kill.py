#!/usr/bin/env python3
"""Kills, starves and cheats `train`, `search` and `data import`, and sees whether anything is lost.

Each is run to its end once; what it leaves is what every disturbed run has to come to. Then it is disturbed:

  random   killed (SIGKILL) at random moments, and gone on with, until so many kills are done
  kills    killed at every call that changes a file system, one run for each call (needs strace)
  errors   given ENOSPC and EIO by every call to the file system, one run for each (needs strace)
  limits   run with little address space, few processes and few open files

After each disturbance `train --out X || train --resume X` has to come to its end, with the same bits, and with no file
that an undisturbed run does not leave. Limits have to end in success or in an error that is reported: no panic, no abort,
no hang. What is found is printed as JSON; the exit code is 1 where anything went wrong.

    cargo build --release && python3 tests/kill/kill.py
    python3 tests/kill/kill.py --binary target/debug/evograd --only train --how kills
"""

import argparse
import collections
import hashlib
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

# Calls that change what is on the disk, and those that look at it besides. close is among those at which it is killed, and
# not among those that are refused: that for a folder the standard library of Rust takes for a fault of its own, and panics.
CHANGES = "openat mkdir mkdirat rename renameat renameat2 unlink unlinkat rmdir write writev pwrite64 fsync fdatasync ftruncate flock copy_file_range".split()
LOOKS = "read pread64 statx fstat newfstatat lseek getdents64 readlink".split()
ENDS = ["close"]
PATIENCE = 120  # seconds after which a run is said to hang
NOBODY = 65534


def digits(folder, count, shift):
    """A set in MNIST's format: the class says which of ten places is bright."""
    folder.mkdir(parents=True)
    for name, count in (("train", count), ("t10k", 20)):
        images, labels = bytearray(), bytearray()
        for number in range(count):
            label = number % 10
            labels.append(label)
            for i in range(784):
                bright = i // 28 // 6 == label // 5 * 2 and i % 28 // 5 == label % 5
                images.append(200 if bright else (i * 31 + number * 17 + shift) % 90)
        head = struct.pack(">4I", 0x803, count, 28, 28)
        (folder / f"{name}-images-idx3-ubyte").write_bytes(head + images)
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 0x801, count) + labels)


class Train:
    name = "train"
    settings = [
        "model.width=0.1", "data.samples=32", "data.validation=20", "training.epochs=2", "training.batch=16",
        "training.log_every=1", "training.checkpoint_seconds=0",
    ]

    def begin(self, binary, data, folder):
        sets = [word for setting in self.settings for word in ("--set", setting)]
        return [binary, "train", "lenet", "--data", "mnist", "--data-dir", data, "--out", folder, "-q", *sets]

    def resume(self, binary, data, folder):
        return [binary, "train", "--resume", folder, "-q"]

    def result(self, folder):
        files = ["last/model", "last/optimizer", "best/model", "best/optimizer"]
        bits = {name: digest(folder / "checkpoints" / f"{name}.safetensors") for name in files}
        rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        # Each row stands once, however often the run was killed; what the clock says is not compared.
        clock = {"segment", "seconds", "images_per_second"}
        return bits, [{key: value for key, value in row.items() if key not in clock} for row in rows]


class Search:
    name = "search"
    settings = [
        "networks.stages=[2, 2]", "networks.backbone.filters=[2, 2]", "networks.backbone.features=4", "data.set=mnist",
        "data.samples=20", "data.validation=20", "training.epochs=1", "search.population=3", 'search.budget="6"',
    ]

    def begin(self, binary, data, folder):
        sets = [word for setting in self.settings for word in ("--set", setting)]
        return [binary, "search", "--data-dir", data, "--out", folder, "--workers", "1", "-q", *sets]

    def resume(self, binary, data, folder):
        return [binary, "search", "--resume", folder, "-q"]

    def result(self, folder):
        clock = {"seconds", "core_seconds", "overhead_seconds", "images_per_second", "idle_seconds", "check"}
        rows = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
        return [{key: value for key, value in row.items() if key not in clock} for row in rows]


class Import:
    name = "import"

    def begin(self, binary, data, folder):
        return [binary, "data", "import", "mnist", "--from", f"{data}/mnist", "--data-dir", folder]

    resume = begin

    def result(self, folder):
        return {str(path.relative_to(folder)): digest(path) for path in folder.rglob("*") if path.is_file()}


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


class Trial:
    """One of the three, its data, and what it comes to undisturbed."""

    def __init__(self, work, binary, place):
        self.work, self.binary, self.place = work, str(binary), place
        self.data, self.number = str(place / "data"), 0
        self.problems, self.counts = [], collections.Counter()
        folder = self.fresh()
        began = time.monotonic()
        done = self.run(self.begin(folder))
        if done.returncode != 0:
            sys.exit(f"{work.name} fails undisturbed: {done.stderr}")
        self.seconds = time.monotonic() - began
        self.expected, self.names = work.result(folder), names(folder)
        shutil.rmtree(folder)

    def fresh(self):
        self.number += 1
        return self.place / f"{self.work.name}-{self.number}"

    def begin(self, folder):
        return self.work.begin(self.binary, self.data, str(folder))

    def resume(self, folder):
        return self.work.resume(self.binary, self.data, str(folder))

    def run(self, command, **more):
        try:
            return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=PATIENCE, **more)
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(command, None, "", "it hangs")

    def expect_told(self, what, done):
        """No panic, no abort, no hang; an error is reported. Where the program cannot be loaded, the system says so with 127."""
        # A write that fails in one thread may be a file's, and in another that of the error.
        reported = done.returncode == 0 or done.stderr.strip() or " write" in what
        if done.returncode not in (0, 1, 2, 127) or "panicked" in done.stderr or not reported:
            self.problem(what, f"code {done.returncode}: {done.stderr[-300:]}")

    def expect_whole(self, what, folder):
        """Begun again or gone on with, it comes to its end, with the same bits and no other files."""
        done = self.run(self.begin(folder))
        if done.returncode != 0:
            first, done = done, self.run(self.resume(folder))
            if done.returncode != 0:
                self.problem(what, f"stuck: {first.stderr[-300:]} / {done.stderr[-300:]}", "stuck")
                return
        self.expect_same(what, folder)

    def expect_same(self, what, folder):
        if self.work.result(folder) != self.expected:
            self.problem(what, "other bits", "other_bits")
        left = sorted(set(names(folder)) ^ set(self.names))
        if left:
            self.problem(what, f"files left over or missing: {left}", "left_over")
        shutil.rmtree(folder)

    def problem(self, what, text, kind="untold"):
        self.counts[kind] += 1
        self.problems.append(f"{self.work.name}, {what}: {text}")
        print(self.problems[-1], file=sys.stderr, flush=True)

    def random(self, kills, draw):
        while self.counts["random"] < kills:
            folder, waits = self.fresh(), []
            command = self.begin(folder)
            while True:
                waits.append(draw.uniform(0, 1.1 * self.seconds))
                child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                try:
                    child.wait(waits[-1])
                    break
                except subprocess.TimeoutExpired:
                    child.send_signal(signal.SIGKILL)
                    child.wait()
                    self.counts["random"] += 1
                there = (folder / "config.toml").exists()
                command = self.resume(folder) if there else self.begin(folder)
            if child.returncode != 0:
                self.problem(f"killed after {waits}", f"code {child.returncode}", "stuck")
            else:
                self.expect_same(f"killed after {waits}", folder)

    def calls(self, wanted):
        """How often the program makes each call, in the thread that makes most of them."""
        folder, log = self.fresh(), self.place / "calls"
        self.run(["strace", "-f", "-o", str(log), "-e", "trace=" + ",".join(f"?{name}" for name in wanted), *self.begin(folder)])
        shutil.rmtree(folder)
        counts = collections.Counter(re.match(r"(\d+) +(\w+)\(", line).groups() for line in log.read_text(errors="replace").splitlines()
                                     if re.match(r"\d+ +\w+\(", line))
        most = collections.Counter()
        for (_, name), count in counts.items():
            most[name] = max(most[name], count)
        return [(name, number) for name in wanted for number in range(1, most[name] + 1)]

    def injected(self, folder, name, inject):
        trace = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={name}", "-e", f"inject={name}:{inject}"]
        return self.run([*trace, *self.begin(folder)])

    def kills(self):
        for name, number in self.calls(CHANGES + ENDS):
            folder = self.fresh()
            self.injected(folder, name, f"signal=KILL:when={number}")
            self.counts["kills"] += 1
            self.expect_whole(f"killed at {name} {number}", folder)

    def errors(self):
        for error, calls in (("ENOSPC", CHANGES), ("EIO", CHANGES + LOOKS)):
            for name, number in self.calls(calls):
                folder = self.fresh()
                done = self.injected(folder, name, f"error={error}:when={number}")
                self.counts["errors"] += 1
                what = f"{error} from {name} {number}"
                self.expect_told(what, done)
                self.expect_whole(what, folder)

    def limits(self):
        memory = [(resource.RLIMIT_AS, "v", size << 20) for size in [*range(16, 256, 12), *range(256, 1024, 64)]]
        files = [(resource.RLIMIT_NOFILE, "n", count) for count in range(3, 24)]
        processes = [(resource.RLIMIT_NPROC, "u", count) for count in range(1, 14)] if os.getuid() == 0 else []
        for limit, letter, value in memory + files + processes:
            folder = self.fresh()
            folder.mkdir()
            os.chmod(folder, 0o777)

            def limited():
                if letter == "u":
                    os.setgroups([])
                    os.setgid(NOBODY)
                    os.setuid(NOBODY)
                resource.setrlimit(limit, (value, value))

            # With less than this, the system does not even begin the program.
            if self.run([self.binary, "--version"], preexec_fn=limited).returncode != 0:
                shutil.rmtree(folder)
                continue
            self.counts["limits"] += 1
            what = f"ulimit -{letter} {value}"
            done = self.run(self.begin(folder), preexec_fn=limited, env={**os.environ, "RUST_BACKTRACE": "1"})
            self.expect_told(what, done)
            if letter == "u":
                shutil.rmtree(folder)
            else:
                self.expect_whole(what, folder)


def main():
    here = pathlib.Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=here / "target/release/evograd", type=pathlib.Path)
    parser.add_argument("--only", default="train,search,import", help="which of train, search, import [default: all]")
    parser.add_argument("--how", default="random,kills,errors,limits", help="which disturbances [default: all]")
    parser.add_argument("--kills", default=200, type=int, help="random kills of each [default: 200]")
    parser.add_argument("--seed", default=1, type=int, help="of the random moments [default: 1]")
    arguments = parser.parse_args()
    draw, summary, problems = random.Random(arguments.seed), {}, []
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        place = pathlib.Path(place)
        # Another build must not change the program meanwhile, and another user has to reach it.
        binary = shutil.copy(arguments.binary, place / "evograd")
        digits(place / "data/mnist", 60, 0)
        for work in (Train(), Search(), Import()):
            if work.name not in arguments.only.split(","):
                continue
            trial = Trial(work, binary, place)
            for how in arguments.how.split(","):
                print(f"{work.name}: {how}", file=sys.stderr, flush=True)
                trial.random(arguments.kills, draw) if how == "random" else getattr(trial, how)()
            summary[work.name] = {"random": 0, "kills": 0, "errors": 0, "limits": 0, "stuck": 0, "other_bits": 0,
                                  "left_over": 0, "untold": 0, **trial.counts}
            problems += trial.problems
    print(json.dumps({"trials": summary, "problems": problems}, indent=2))
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
