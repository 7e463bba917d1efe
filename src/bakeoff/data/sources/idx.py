"""IDX, the format of MNIST and its relatives: a header of big-endian sizes, then bytes."""

import gzip
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bakeoff.errors import BakeoffError

UNSIGNED_BYTES = 0x08


def read_idx(path: Path) -> NDArray[np.uint8]:
    """The array in an IDX file of unsigned bytes, plain or gzipped. Raises BakeoffError naming the file."""
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BakeoffError(f"{path}: is not a complete gzip file: {error}. Fetch it again") from error
    except OSError as error:
        raise BakeoffError(f"{path}: cannot be read: {error.strerror}") from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != UNSIGNED_BYTES:
        found = content[:4].hex() or "nothing"
        raise BakeoffError(f"{path}: is not an IDX file of unsigned bytes; it starts with {found}")
    dimensions = content[3]
    header = 4 + 4 * dimensions
    shape = tuple(int(size) for size in np.frombuffer(content[4:header], ">u4"))
    expected = header + int(np.prod(shape, dtype=np.int64))
    if len(shape) != dimensions or len(content) != expected:
        raise BakeoffError(
            f"{path}: holds {len(content)} bytes, but its header says {expected}: it is damaged; fetch it again"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def find_idx(folders: list[Path], name: str) -> Path | None:
    """The file of that name in the first folder that has it: plain, gzipped, or with a dot ("images.idx3")."""
    spellings = [name, name + ".gz", name.replace("-idx", ".idx"), name.replace("-idx", ".idx") + ".gz"]
    found = (folder / spelling for folder in folders for spelling in spellings)
    return next((file for file in found if file.is_file()), None)
