"""Finds the shortest tours that the tests compare with, by LKH (Helsgaun), through the package elkai.

    python data/tsp/solve.py target/release/evograd

writes towns52.tsp (52 random towns of whole coordinates) and optima.json beside this file. Needs Python 3.9 or newer with
elkai; the towns are those that `evograd tsp --towns 52 --seed S` draws.
"""

import json
import math
import random
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import elkai

FOLDER = Path(__file__).parent
SEEDS = range(10)
# LKH works with whole numbers; with these, the length is right to seven digits.
SCALE = 10**7


def length(distances, tour):
    return sum(distances[a][b] for a, b in zip(tour, tour[1:] + tour[:1]))


def solve(distances, scale):
    """The shortest of several runs, without the return to the first town."""
    whole = [[round(scale * distance) for distance in row] for row in distances]
    tours = [elkai.DistanceMatrix(whole).solve_tsp(runs=10)[:-1] for _ in range(3)]
    tour = min(tours, key=lambda tour: length(distances, tour))
    return {"length": length(distances, tour), "tour": tour}


def drawn(program, seed):
    command = [program, "tsp", "--towns", "52", "--generations", "1", "--json", "--quiet"]
    answer = subprocess.run([*command, "--seed", str(seed)], check=True, capture_output=True, text=True)
    towns = json.loads(answer.stdout)["towns"]
    return [[math.dist(a, b) for b in towns] for a in towns]


def written():
    draw = random.Random(52)
    towns = [(int(1000 * draw.random()), int(1000 * draw.random())) for _ in range(52)]
    head = ["NAME: towns52", "TYPE: TSP", "COMMENT: 52 random towns, made by solve.py", "DIMENSION: 52"]
    head += ["EDGE_WEIGHT_TYPE: EUC_2D", "NODE_COORD_SECTION"]
    lines = [f"{number} {x} {y}" for number, (x, y) in enumerate(towns, 1)]
    (FOLDER / "towns52.tsp").write_text("\n".join([*head, *lines, "EOF"]) + "\n")
    # As the format asks: rounded to the next whole number.
    return [[math.floor(math.dist(a, b) + 0.5) for b in towns] for a in towns]


def main():
    rows = [{"seed": seed, **solve(drawn(sys.argv[1], seed), SCALE)} for seed in SEEDS]
    lines = ",\n  ".join(json.dumps(row) for row in rows)
    solver = json.dumps(f"elkai {version('elkai')} (LKH), the shortest of 3 times 10 runs")
    file = json.dumps(solve(written(), 1))
    text = f'{{"solver": {solver},\n "towns52.tsp": {file},\n "random52": [\n  {lines}\n ]}}\n'
    (FOLDER / "optima.json").write_text(text)


if __name__ == "__main__":
    main()
