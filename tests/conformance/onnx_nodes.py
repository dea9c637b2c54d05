#!/usr/bin/env python3
"""Compares our operations with ONNX's backend node tests: inputs and outputs that ONNX publishes for each operator.

    python3 tests/conformance/onnx_nodes.py                every operator that our operations claim
    python3 tests/conformance/onnx_nodes.py Conv MaxPool   some of them
    python3 tests/conformance/onnx_nodes.py --json

Only the forward pass is compared, as ONNX has no gradients. An element may be 1e-5 of the largest magnitude of its tensor off,
as the outputs are in f32. Tests that our operations do not express are counted with the reason; of operators that are
functions of others, the expanded tests are left out, as they say the same once more. The exit code is 1 where something differs.

Needs cargo, and the pip packages onnx (1.23) and numpy.
"""

import argparse
import sys
import warnings

try:
    import numpy
    import onnx
    from onnx.backend.test.loader import load_node_model_tests
except ImportError as error:
    print(f"SKIPPED: {error}; install the pip packages onnx and numpy", file=sys.stderr)
    sys.exit(0)

from library import Library, NotExpressible, Refused
from onnx_calls import CALLS, CHOICES
from report import Report, difference, reason_of


def compare(library, node, inputs, outputs):
    """Where our outputs differ, or None."""
    kinds = {array.dtype for array in outputs if array.dtype.kind == "f"} | {x.dtype for x in inputs if x.dtype.kind == "f"}
    if not kinds <= {numpy.dtype("f4"), numpy.dtype("f8")} or not kinds:
        raise NotExpressible("another element type")
    library.begin("f64" if numpy.dtype("f8") in kinds else "f32")
    arrays = iter(inputs)
    arguments = [None if name == "" else argument(library, next(arrays)) for name in node.input]
    attributes = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    ours = CALLS[node.op_type](*arguments, **attributes)
    for i, (y, reference) in enumerate(zip(ours if isinstance(ours, list) else [ours], outputs)):
        if found := difference(f"output {i}", y.value(), reference, "f32"):
            return found
    return None


def argument(library, array):
    """A variable of real numbers, an array of all else."""
    return library.constant(array) if array.dtype.kind == "f" else array


def run_one(library, report, test):
    """All data of one test."""
    node = test.model.graph.node[0]
    row = report.rows[node.op_type]
    for inputs, outputs in test.data_sets:
        try:
            found = compare(library, node, [numpy.asarray(x) for x in inputs], [numpy.asarray(y) for y in outputs])
        except NotExpressible as reason:
            row.inexpressible[str(reason)] += 1
        except Refused as refusal:
            row.inexpressible[reason_of(refusal)] += 1
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            row.differ.append(f"{test.name} is not translated: {error!r}")
        else:
            if found is None:
                row.passed += 1
            elif test.name in CHOICES:
                row.chosen[CHOICES[test.name]] += 1
            else:
                row.differ.append(f"{test.name}: {found}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("operators", nargs="*", metavar="operator", help="names of ONNX's; all where none is given")
    parser.add_argument("--json", action="store_true", help="counts, reasons and differences as JSON")
    parser.add_argument("--program", help="the bridge, built before, instead of building it")
    asked = parser.parse_args()
    if unknown := set(asked.operators) - set(CALLS):
        parser.error(f"no operator called {', '.join(sorted(unknown))}; there are {', '.join(sorted(CALLS))}")
    warnings.filterwarnings("ignore", category=RuntimeWarning)
    library, report = Library(asked.program), Report()
    print("making ONNX's tests …", file=sys.stderr, flush=True)
    for test in load_node_model_tests():
        nodes = test.model.graph.node
        if len(nodes) == 1 and nodes[0].op_type in (asked.operators or CALLS) and nodes[0].domain == "":
            run_one(library, report, test)
    if asked.json:
        print(report.as_json())
    else:
        report.print_table()
    return 1 if report.total()[1] else 0


if __name__ == "__main__":
    sys.exit(main())
