"""PyTorch's rounding in convolutions: the number PYTORCH of kernels/tests/conv.rs.

    python3 benches/peers/torch_rounding.py

For some of that test's sizes and each of the three passes, prints the root mean square of the error of float32 over that of
the values, which float64 computes; and the mean of all at the end.
"""

import torch
from torch.nn.functional import conv2d
from torch.nn.grad import conv2d_input, conv2d_weight

# Images, channels, filters, height and width, kernel, stride: what is summed over is wide in one of the three passes.
SIZES = [
    *((1, width, 16, 8, 3, 1) for width in (16, 64, 256, 512, 1024)),
    *((1, 16, width, 8, 3, 1) for width in (16, 512, 1028)),
    *((1, 512, 16, 8, kernel, stride) for kernel, stride in ((5, 1), (3, 2), (1, 1))),
    *((48, 16, 16, 16, kernel, stride) for kernel, stride in ((3, 1), (5, 1), (3, 2), (1, 1))),
]


def passes(x, w, dy, stride, padding):
    """Forward, and the gradients of the input and of the weights."""
    return [
        conv2d(x, w, stride=stride, padding=padding),
        conv2d_input(x.shape, w, dy, stride=stride, padding=padding),
        conv2d_weight(x, w.shape, dy, stride=stride, padding=padding),
    ]


def errors(images, channels, filters, side, kernel, stride):
    padding = kernel // 2
    out = (side + 2 * padding - kernel) // stride + 1
    shapes = (images, channels, side, side), (filters, channels, kernel, kernel), (images, filters, out, out)
    tensors = [torch.randn(shape) for shape in shapes]
    exact = passes(*(tensor.double() for tensor in tensors), stride, padding)
    for found, value in zip(passes(*tensors, stride, padding), exact):
        yield ((found.double() - value).norm() / value.norm()).item()


torch.manual_seed(0)
everything = []
for sizes in SIZES:
    found = list(errors(*sizes))
    everything += found
    print(sizes, *(f"{error:.2e}" for error in found))
print(f"torch {torch.__version__}: mean {sum(everything) / len(everything):.2e}")
