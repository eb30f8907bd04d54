import errno
import os
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from aibridge.mapped import mapped


def test_a_new_file_has_zeros_and_its_place_on_the_disk(tmp_path: Path) -> None:
    with closing(mapped(tmp_path / "x", 24)) as shared:
        assert shared[:] == bytes(24)
    assert (tmp_path / "x").stat().st_blocks > 0


def test_what_is_in_the_file_stays_and_others_see_what_is_changed(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    with closing(mapped(tmp_path / "x", 5)) as one, closing(mapped(tmp_path / "x", 5)) as other:
        assert one[:] == b"abc\0\0"
        one[:] = b"12345"
        assert other[:] == b"12345"


def test_a_full_disk_is_told_before_the_memory_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OSError, match="No space left"):
        mapped(tmp_path / "x", 24)


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        mapped(tmp_path / "x", 8).close()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o600
