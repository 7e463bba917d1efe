"""The device that a run trains on, and how it calculates."""

import errno
import gc
import platform
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bakeoff.errors import BakeoffError
from bakeoff.jobs.leases import Lease
from bakeoff.study.entries import Recipe

ON_CPU = "say device: cpu"
# Words of PyTorch and of CUDA's libraries when memory is full, in errors that have no type of their own.
SAID_OF_FULL_MEMORY = (
    "DefaultCPUAllocator",
    "CUDA error: out of memory",
    "CUDA out of memory",  # of torch.compile
    "_STATUS_ALLOC_FAILED",  # cuBLAS, cuDNN, cuSOLVER
    "DEVICE_ALLOCATION_FAILED",  # cuDNN 9
)


def choose_device(wanted: str) -> torch.device:
    """`auto` takes a GPU when there is one. Raises BakeoffError for `cuda` without CUDA."""
    if wanted == "cuda" and not torch.cuda.is_available():
        raise BakeoffError("device: cuda, but PyTorch sees no CUDA device here; say device: auto to train on the CPU")
    return torch.device("cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu")


def refuse_unleased(device: str, lease: Lease | None) -> None:
    """Raises BakeoffError where torch would train on a GPU that was not leased, as every other job would."""
    if device != "cpu" and lease is None and torch.cuda.is_available():
        name = torch.cuda.get_device_name()
        if torch.version.hip:
            raise BakeoffError(f"PyTorch sees {name} through ROCm, and jobs take turns on NVIDIA GPUs only: {ON_CPU}")
        raise BakeoffError(
            f"PyTorch sees {name}, which nvidia-smi does not list: jobs could not take turns on it. Mend the driver, "
            f"or {ON_CPU}"
        )


def make_deterministic(device: torch.device, threads: int) -> None:
    """Make results the same bit for bit on one kind of hardware: fixed threads, no algorithm chosen by timing."""
    torch.set_num_threads(threads)
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True
        torch.use_deterministic_algorithms(True, warn_only=True)


def memory_format(wanted: bool | None, network: nn.Module, device: torch.device, precision: str) -> torch.memory_format:
    """The memory layout of images and convolutions: what the recipe says, else what is faster.

    On a CPU, convolutions and poolings run about twice as fast with channels last; on a GPU they do in bfloat16.
    """
    if wanted is None:
        convolves = any(isinstance(module, nn.Conv2d) for module in network.modules())
        wanted = convolves and (device.type == "cpu" or precision == "bfloat16")
    return torch.channels_last if wanted else torch.contiguous_format


def precision(recipe: Recipe, device: torch.device) -> AbstractContextManager[Any]:
    """The arithmetic of a forward pass."""
    if recipe.precision == "float32":
        return nullcontext()  # autocast costs microseconds at each step even when it is switched off
    return torch.autocast(device.type, dtype=torch.bfloat16)


def device_name(device: torch.device) -> str:
    """`cuda:0 (NVIDIA H100)`, `cpu (AMD EPYC 7763 64-Core Processor)`."""
    if device.type == "cuda":
        return f"cuda:{torch.cuda.current_device()} ({torch.cuda.get_device_name(device)})"
    return f"cpu ({_processor_name()})"


@cache
def _processor_name() -> str:
    """As Linux names it in /proc/cpuinfo, else as Python does."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def gpu_uuid(device: torch.device) -> str | None:
    """The UUID of a GPU, as `nvidia-smi -L` shows it; None on a CPU."""
    return f"GPU-{torch.cuda.get_device_properties(device).uuid}" if device.type == "cuda" else None


def synchronize(device: torch.device) -> None:
    """Wait until the device has finished its work, so that times are measured right."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def free_memory(device: torch.device) -> None:
    """Free memory that nothing refers to any more."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that the device's or the host's memory is full."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and any(words in str(error) for words in SAID_OF_FULL_MEMORY)
    )
