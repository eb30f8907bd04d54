"""Small files that several processes have mapped into memory, to tell each other something."""

import errno
import mmap
import os
from pathlib import Path


def mapped(path: Path, size: int) -> mmap.mmap:
    """Map a file of so many bytes into memory, made if need be. Raises `OSError`.

    Its bytes have their place on the disk by then: where a full disk had none for them, whoever
    touched the memory would be ended by a signal (SIGBUS).
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        there = os.fstat(file).st_size
        os.pwrite(file, bytes(max(0, size - there)), there)
        if os.fstat(file).st_size < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return mmap.mmap(file, size)
    finally:
        os.close(file)
