"""Writing .npy files part by part."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def write_array(path: Path, parts: Iterable[NDArray[Any]], count: int) -> tuple[int, ...]:
    """Write an .npy file of `count` rows from consecutive parts, all of one dtype; returns the shape of the whole.

    Only one part is in memory at a time. A full disk raises OSError, where writing to a mapped file would kill the
    process.
    """
    shape: tuple[int, ...] = ()
    with path.open("wb") as file:
        for part in parts:
            if not shape:
                shape = (count, *part.shape[1:])
                header = {"descr": np.lib.format.dtype_to_descr(part.dtype), "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(file, header)
            file.write(np.ascontiguousarray(part).data)
    return shape
