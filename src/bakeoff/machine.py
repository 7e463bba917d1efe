"""What this machine has, found without torch, as Snakemake's planning needs it."""

from pathlib import Path

NVIDIA_DRIVER = Path("/dev/nvidiactl")


def gpus_of_a_run(device: str, elsewhere: bool) -> int:
    """How many GPUs a training job asks Snakemake for: none where it will train on the CPU.

    Where jobs run `elsewhere`, on a cluster, `auto` asks for one: what this machine has says nothing of that.
    """
    return int(device == "cuda" or (device == "auto" and (elsewhere or NVIDIA_DRIVER.exists())))
