#!/usr/bin/env python3
"""Fuzzes the readers, one target after the other, until all together have been executed so many times.

    tests/fuzz/run.py 100000000                   all targets, a minute each, again and again
    tests/fuzz/run.py 0 --rounds 1 --seconds 30   each target once, for half a minute
    tests/fuzz/run.py 0                           only the table
    tests/fuzz/run.py 0 --keep                    makes tests/fuzz/corpus anew of all inputs that were kept

Executions are counted in target/fuzz-count.json over all calls, so a call goes on where the one before ended. Inputs that
reach something new are kept in target/fuzz-corpus; tests/fuzz/corpus holds the least set of them that reaches as much. A
target with a finding is left out from then on, its input stays in target/fuzz-artifacts, and the exit code is 1.

Needs a nightly compiler, cargo-fuzz and a C++ compiler.
"""

import argparse
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent.parent / "target"
COUNTS = TARGET / "fuzz-count.json"
TARGETS = sorted(path.stem for path in (HERE / "fuzz_targets").glob("*.rs"))
# The longest input in bytes: short ones are executed many times as often, and reach nearly as much. Every eighth turn they
# may be ten times as long.
LONGEST = {
    "archive": 3000,
    "checkpoint": 400,
    "cifar": 60,
    "codes": 60,
    "config": 400,
    "idx": 400,
    "images": 2000,
    "journal": 800,
    "mat": 300,
    "metrics": 600,
    "tsplib": 400,
    "weights": 400,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("executions", type=int, help="stop when so many have been counted")
    parser.add_argument("targets", nargs="*", default=TARGETS, metavar="target", help="all, or some of them")
    parser.add_argument("--seconds", type=int, default=60, help="of a target's turn")
    parser.add_argument("--rounds", type=int, help="go through the targets so often, whatever has been counted")
    parser.add_argument("--keep", action="store_true", help="keep the least corpus that reaches as much, and run nothing")
    parser.add_argument("--jobs", type=int, default=1, help="targets that run at the same time")
    parser.add_argument("--sanitizer", default="none", choices=["none", "address"])
    asked = parser.parse_intermixed_args()
    if unknown := set(asked.targets) - set(TARGETS):
        parser.error(f"there is no target {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    if asked.keep:
        folder = build(asked.sanitizer)
        return [keep(name, folder) for name in asked.targets]
    folder = build(asked.sanitizer) if asked.rounds or total(counts()) < asked.executions else None
    found = fuzz(asked, folder) if folder else {}
    print_table(counts())
    for name, artifact in found.items():
        print(f"{name}: a finding, {artifact}", file=sys.stderr)
    sys.exit(1 if found else 0)


def build(sanitizer):
    """Builds all targets; the folder they are in."""
    folder = TARGET / "fuzz" / sanitizer
    command = ["cargo", "+nightly", "fuzz", "build", "--fuzz-dir", HERE, "--target-dir", folder, "-s", sanitizer]
    subprocess.run(command, check=True, cwd=HERE.parent.parent)
    host = subprocess.run(["rustc", "+nightly", "-vV"], check=True, capture_output=True, text=True).stdout
    return folder / re.search("host: (.*)", host)[1] / "release"


def fuzz(asked, folder):
    """Gives each target its turns; what was found, by target."""
    found, rounds = {}, 0
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="evograd-fuzz-", dir=memory) as scratch, ThreadPoolExecutor(asked.jobs) as pool:

        def turn(name):
            done = asked.rounds is None and total(counts()) >= asked.executions
            if not done and name not in found and (artifact := run(name, folder, scratch, asked, 10 if rounds % 8 == 7 else 1)):
                found[name] = artifact

        while rounds < asked.rounds if asked.rounds else total(counts()) < asked.executions:
            list(pool.map(turn, asked.targets))
            rounds += 1
            if len(found) == len(asked.targets):
                break
    return found


def run(name, folder, scratch, asked, times):
    """One turn of a target, with inputs up to so many times the usual length; the file of what it found."""
    own, artifacts = TARGET / "fuzz-corpus" / name, TARGET / "fuzz-artifacts" / name
    for path in (own, artifacts):
        path.mkdir(parents=True, exist_ok=True)
    seeds, dictionary = HERE / "corpus" / name, HERE / "dictionaries" / f"{name}.dict"
    before = set(artifacts.iterdir())
    command = [folder / name, own, *([seeds] if seeds.is_dir() else []), f"-artifact_prefix={artifacts}/"]
    command += [f"-dict={dictionary}"] if dictionary.is_file() else []
    command += [f"-max_total_time={asked.seconds}", f"-max_len={times * LONGEST[name]}", "-print_final_stats=1"]
    # A unit may take five seconds and the process 512 MB (what AddressSanitizer keeps of freed memory comes on top).
    address = asked.sanitizer == "address"
    command += ["-timeout=5", f"-rss_limit_mb={2048 if address else 512}", f"-malloc_limit_mb={256}"]
    log = TARGET / "fuzz-logs" / f"{name}.log"
    log.parent.mkdir(exist_ok=True)
    with open(log, "w") as output:
        # What a finding leaves in memory goes with the folder.
        with tempfile.TemporaryDirectory(dir=scratch) as place:
            environment = {**os.environ, "EVOGRAD_FUZZ_SCRATCH": place}
            code = subprocess.run(command, stdout=output, stderr=output, env=environment).returncode
    text = log.read_text(errors="replace")
    executed = re.search(r"stat::number_of_executed_units: *(\d+)", text)
    executed = int(executed[1]) if executed else max((int(n) for n in re.findall(r"^#(\d+)", text, re.M)), default=0)
    speed, reached = re.findall(r"exec/s: (\d+)", text), re.findall(r"cov: (\d+)", text)
    print(f"{name:<10} {executed:>11,} executions, {(speed or [0])[-1]:>7} a second, {(reached or [0])[-1]:>6} edges", flush=True)
    add(name, executed)
    new = sorted(set(artifacts.iterdir()) - before)
    if code == 0:
        return None
    shutil.copy(log, log.with_suffix(".found"))
    return new[0] if new else log.with_suffix(".found")


def keep(name, folder):
    """Makes the committed corpus of a target: the fewest inputs that reach every edge that all of them reach."""
    kept = HERE / "corpus" / name
    with tempfile.TemporaryDirectory(prefix="evograd-fuzz-") as place:
        least = Path(place, "least")
        least.mkdir()
        given = [path for path in (kept, TARGET / "fuzz-corpus" / name) if path.is_dir()]
        command = [folder / name, "-set_cover_merge=1", "-use_counters=0", "-rss_limit_mb=2048", least, *given]
        environment = {**os.environ, "EVOGRAD_FUZZ_SCRATCH": place}
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL, env=environment)
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(least, kept)
    sizes = [path.stat().st_size for path in kept.iterdir()]
    print(f"{name:<10} {len(sizes):>5} inputs, {sum(sizes):>7,} bytes", flush=True)


def counts():
    return json.loads(COUNTS.read_text()) if COUNTS.exists() else {}


def add(name, executed):
    """Adds to the count of a target. Others may be at it too."""
    with open(COUNTS.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        new = counts()
        new[name] = new.get(name, 0) + executed
        part = COUNTS.with_suffix(".part")
        part.write_text(json.dumps(new, indent=1, sort_keys=True) + "\n")
        part.rename(COUNTS)


def total(counts):
    return sum(counts.values())


def print_table(counts):
    print(f"\n{'target':<10} {'executions':>13}")
    for name in TARGETS:
        print(f"{name:<10} {counts.get(name, 0):>13,}")
    print(f"{'all':<10} {total(counts):>13,}")


if __name__ == "__main__":
    main()
