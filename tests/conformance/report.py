"""What became of the comparisons: counts of each operation, and how far values may be apart."""

import collections
import dataclasses
import json
import re

import numpy

#: How far a value may be from the reference, relative to the largest magnitude of its tensor.
BOUNDS = {"f64": 1e-12, "f32": 1e-5}
#: Of a tensor without a larger magnitude; the same that tests/golden.rs has.
LEAST_MAGNITUDE = 1e-3


def errors(values, reference, element):
    """The error of each value, relative to the largest magnitude of the reference. Of values that are not finite, or should
    not be, it is infinite unless they are the same: infinities and NaN agree with themselves alone.
    """
    with numpy.errstate(over="ignore", invalid="ignore"):
        # What f32 does not hold is infinite.
        reference = numpy.asarray(reference, dtype={"f32": "f4", "f64": "f8"}[element]).astype("f8")
        finite = numpy.isfinite(reference)
        magnitude = numpy.abs(reference[finite]).max(initial=LEAST_MAGNITUDE)
        error = numpy.where(finite, numpy.abs(values - reference) / magnitude, numpy.inf)
    return numpy.where(same(values, reference), 0, numpy.where(numpy.isnan(error), numpy.inf, error))


def same(a, b):
    return (a == b) | (numpy.isnan(a) & numpy.isnan(b))


def difference(name, ours, reference, element, bound=None):
    """Where and how far two arrays differ, or None where they agree within a bound, of all places or of each."""
    if ours.shape != reference.shape:
        return f"{name} has the shape {list(ours.shape)}, not {list(reference.shape)}"
    error = errors(ours, reference, element)
    wrong = ~(error <= (BOUNDS[element] if bound is None else bound))
    if not wrong.any():
        return None
    worst = numpy.unravel_index(numpy.argmax(numpy.where(wrong, error, -1)), wrong.shape)
    place = ", ".join(str(int(i)) for i in worst)
    return f"{name} differs at {wrong.sum()} of {wrong.size} places; at [{place}] it is {ours[worst]}, not {reference[worst]}"


def reason_of(refusal):
    """Refusals of what no operation takes, in few words; all else as it is told."""
    text = str(refusal)
    if "has size 0" in text or "empty" in text:
        return "empty tensors"
    return "refused: " + re.sub(r"-?\d[\d.e-]*", "…", text.split(" (")[0])


@dataclasses.dataclass
class Row:
    """The counts of one operation, with the reasons of what did not pass."""

    passed: int = 0
    differ: list = dataclasses.field(default_factory=list)
    chosen: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    inexpressible: collections.Counter = dataclasses.field(default_factory=collections.Counter)

    def counts(self):
        return [self.passed, len(self.differ), self.chosen.total(), self.inexpressible.total()]


class Report:
    """A row for each operation, by its name."""

    def __init__(self):
        self.rows = collections.defaultdict(Row)

    def as_json(self, **more):
        names = ["passed", "differ", "chosen", "not_expressible"]
        rows = {
            name: dict(zip(names, [row.passed, row.differ, dict(row.chosen), dict(row.inexpressible)]))
            for name, row in sorted(self.rows.items())
        }
        return json.dumps({"rows": rows, "total": dict(zip(names, self.total())), **more}, indent=1)

    def total(self):
        return [sum(counts) for counts in zip(*[row.counts() for row in self.rows.values()], [0] * 4)]

    def print_table(self):
        """One line for each operation, then what differs, and the reasons of the rest."""
        print(f"{'operation':<34}{'passed':>10}{'differ':>10}{'by choice':>10}{'not ours':>10}")
        for name, row in sorted(self.rows.items()):
            print(f"{name:<34}" + "".join(f"{count:>10,}" for count in row.counts()))
        print(f"{f'all {len(self.rows)}':<34}" + "".join(f"{count:>10,}" for count in self.total()))
        for title, reasons in [("Differ by choice", "chosen"), ("Not ours", "inexpressible")]:
            total = sum((getattr(row, reasons) for row in self.rows.values()), collections.Counter())
            print(f"\n{title}:" if total else "", *(f"{n:>7,}  {reason}" for reason, n in total.most_common()), sep="\n")
        for name, row in sorted(self.rows.items()):
            for text in row.differ:
                print(f"\nDIFFERS {name}: {text}")
