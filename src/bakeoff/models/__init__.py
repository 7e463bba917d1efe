"""Networks: our own, and those of timm and torchvision. A new one is a file with a function, listed in `registry`."""
