"""Writes data/golden/mat: MATLAB files with arrays of every numeric class and others beside them.

SciPy writes little.mat and compressed.mat; big.mat holds the same numeric arrays in the other order of bytes, written by the
format's description. Run: python3 data/golden/mat.py (numpy, SciPy).
"""
import os
import struct

import numpy as np
import scipy.io
import scipy.sparse

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mat")
os.makedirs(FOLDER, exist_ok=True)
CLASSES = {  # class number, type of the storage
    "double": (np.float64, 6, 9), "single": (np.float32, 7, 7), "int8": (np.int8, 8, 1), "uint8": (np.uint8, 9, 2),
    "int16": (np.int16, 10, 3), "uint16": (np.uint16, 11, 4), "int32": (np.int32, 12, 5), "uint32": (np.uint32, 13, 6),
    "int64": (np.int64, 14, 12), "uint64": (np.uint64, 15, 13),
}


def values(kind):
    signed = not kind.startswith("uint")
    return np.array([[1, 2, 3], [100, -5 if signed else 55, 0]]).astype(CLASSES[kind][0])


arrays = {kind: values(kind) for kind in CLASSES}
arrays["zsmall"] = np.array([[7]], np.uint8)
arrays["zlogical"] = np.array([[True, False]])
others = {
    "atext": "words and more words", "acell": np.array([1, "x", [1, 2]], object), "astruct": {"a": 1, "b": "two"},
    "asparse": scipy.sparse.csc_matrix(np.eye(3)), "acomplex": np.array([[1 + 2j]]), "aempty": "",
}
mixed = {**others, **arrays}
scipy.io.savemat(os.path.join(FOLDER, "little.mat"), mixed, format="5")
scipy.io.savemat(os.path.join(FOLDER, "compressed.mat"), mixed, format="5", do_compression=True)


def element(kind, data):
    if 1 <= len(data) <= 4:
        return struct.pack(">HH", len(data), kind) + data.ljust(4, b"\0")
    return struct.pack(">II", kind, len(data)) + data + b"\0" * (-len(data) % 8)


def array(name, number, stored, data, shape):
    data = np.asarray(data)
    big = data.astype(data.dtype.newbyteorder(">")).tobytes("F")
    parts = element(6, struct.pack(">II", number, 0)) + element(5, struct.pack(">ii", *shape))
    parts += element(1, name.encode()) + element(stored, big)
    return element(14, parts)


body = array("atext", 4, 4, np.frombuffer(b"a\0b\0c\0", "<u2"), (1, 3))
for kind, (_, number, stored) in CLASSES.items():
    body += array(kind, number, stored, arrays[kind], arrays[kind].shape)
body += array("zsmall", 9, 2, arrays["zsmall"], (1, 1))
body += array("zlogical", 9, 2, arrays["zlogical"].astype(np.uint8), (1, 2))
path = os.path.join(FOLDER, "big.mat")
open(path, "wb").write(b"made by hand".ljust(124) + b"\x01\x00MI" + body)
read = scipy.io.loadmat(path)
assert all((read[name] == arrays[name]).all() for name in arrays), "SciPy reads it alike"
