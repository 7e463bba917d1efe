"""What this machine has, found without torch, as Snakemake's planning needs it."""

from pathlib import Path

NVIDIA_DRIVER = Path("/dev/nvidiactl")


def gpus_of_a_run(device: str) -> int:
    """How many GPUs a training job asks Snakemake for: none where it will train on the CPU."""
    return int(device == "cuda" or (device == "auto" and NVIDIA_DRIVER.exists()))
