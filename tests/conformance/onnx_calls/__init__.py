"""How what ONNX's operators say is said with our operations.

Each function has an operator's inputs as parameters and its attributes by name. Real numbers come as our variables, whole
numbers and booleans as NumPy arrays. What an operator gives beside its first output, ours do not give, and it is not compared.
"""

from . import elementwise, normalisations, places, products, windows

FILES = [elementwise, normalisations, places, products, windows]
CALLS = {operator: call for file in FILES for operator, call in file.CALLS.items()}

#: Tests whose values differ for a reason, which is no fault.
CHOICES = {
    "test_averagepool_2d_ceil_last_window_starts_on_pad": "ONNX has inputs and outputs with four digits here",
}
