"""Room on a disk is what can be written there, not what is said to be free."""

import errno
import os

import pytest

from aibridge.store import room
from aibridge.store.room import ROOM_BYTES, check_room


def test_what_was_written_to_try_is_gone(tmp_path, monkeypatch):
    sizes = []
    monkeypatch.setattr(os, "fsync", lambda number: sizes.append(os.fstat(number).st_size))
    check_room(tmp_path)
    assert sizes == [ROOM_BYTES]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
def test_a_disk_that_takes_nothing_has_no_room(tmp_path, monkeypatch, code):
    def fail(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match=os.strerror(code)):
        check_room(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_takes_no_new_file_is_not_taken_for_full(tmp_path, monkeypatch):
    def refuse(**_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(room, "TemporaryFile", refuse)
    check_room(tmp_path)
