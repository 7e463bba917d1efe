"""The epochs of `throughput` on a GPU, where there is one."""

import os

import torch

from table import Row
from throughput import CNN, PERCEPTRON, rows_of


def measure() -> list[Row]:
    """With the deterministic algorithms that a run uses, ours and the peers alike."""
    if not torch.cuda.is_available():
        print("  left out: PyTorch sees no GPU")
        return []
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    device, name = torch.device("cuda"), torch.cuda.get_device_name()
    return [
        *rows_of(f"epoch of Fashion-MNIST on {name}, perceptron, 51,610 parameters", PERCEPTRON, device, "", ""),
        *rows_of(f"epoch of Fashion-MNIST on {name}, two-convolution CNN", CNN, device, "", ""),
    ]
