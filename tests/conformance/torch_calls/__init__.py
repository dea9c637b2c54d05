"""How what PyTorch calls is said with our operations.

Each function has the parameters of PyTorch's, with our variables for tensors of real numbers, and says the same in our
calls. CALLS holds them: for each of our operations, those of PyTorch (by their names in op_db) that are said with it.
"""

from . import elementwise, losses, normalisations, places, products, windows

FILES = [elementwise, losses, normalisations, places, products, windows]
CALLS = {ours: theirs for file in FILES for ours, theirs in file.CALLS.items()}
