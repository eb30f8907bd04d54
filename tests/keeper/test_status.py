"""What the keeper says of itself, for the processes of the bridge."""

import pytest

from aibridge.keeper.status import NAME, Status, StatusFile


def test_what_is_said_is_read(tmp_path):
    said = Status("the database is away", set_aside=1, unread=2, behind=3, server_id=4)
    StatusFile(tmp_path).say(said)
    assert StatusFile(tmp_path).read() == said
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b'{"behind":"much"}', b"\xff"])
def test_where_nothing_can_be_read_all_is_well(tmp_path, content):
    if content is not None:
        (tmp_path / NAME).write_bytes(content)
    assert StatusFile(tmp_path).read() == Status()


def test_what_has_not_changed_is_not_written_again(tmp_path):
    file = StatusFile(tmp_path)
    file.say(Status(behind=1))
    (tmp_path / NAME).unlink()
    file.say(Status(behind=1))
    assert not (tmp_path / NAME).exists()
    file.say(Status(behind=2))
    assert StatusFile(tmp_path).read().behind == 2
