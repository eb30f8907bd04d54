import stat
from pathlib import Path

import pytest

from aibridge.journal import folders
from aibridge.journal.folders import claim, id_of, is_claimed, journals


def test_each_process_has_a_journal_of_its_own_and_takes_one_that_is_left(tmp_path: Path) -> None:
    root = tmp_path / "journal"
    first, second = claim(root), claim(root)
    assert [one.folder for one in (first, second)] == [root / "1", root / "2"]
    first.close()
    third, fourth = claim(root), claim(root)
    assert [one.folder for one in (third, fourth)] == [root / "1", root / "3"]
    assert journals(root) == [root / "1", root / "2", root / "3"]
    for one in (second, third, fourth):
        one.close()


def test_it_can_be_told_whether_some_process_has_a_journal(tmp_path: Path) -> None:
    claimed = claim(tmp_path)
    for _ in range(2):
        assert is_claimed(claimed.folder)
    claimed.close()
    for _ in range(2):
        assert not is_claimed(claimed.folder)


def test_a_journal_keeps_its_id_and_no_other_has_it(tmp_path: Path) -> None:
    first, second = claim(tmp_path), claim(tmp_path)
    ids = [id_of(one.folder) for one in (first, second)]
    assert len({*ids, ""}) == 3
    for one in (first, second):
        one.close()
    again = claim(tmp_path)
    assert id_of(again.folder) == ids[0]
    again.close()
    assert id_of(tmp_path) == ""


def test_only_the_owner_can_read_them(tmp_path: Path) -> None:
    claimed = claim(tmp_path / "journal")
    for folder in (tmp_path / "journal", claimed.folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        for file in filter(Path.is_file, folder.iterdir()):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
    claimed.close()


def test_a_folder_that_can_be_given_no_id_is_left_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_folder: Path) -> None:
        raise OSError("no space")

    with monkeypatch.context() as patch:
        patch.setattr(folders, "_give_id", full)
        with pytest.raises(OSError, match="no space"):
            claim(tmp_path)
    claimed = claim(tmp_path)
    assert claimed.folder == tmp_path / "1"
    claimed.close()


@pytest.mark.parametrize("name", ["x", "1x", "²", "-1", ".1", "aside"])
def test_other_folders_are_no_journals(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    assert journals(tmp_path) == []


def test_they_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (10, 9, 2):
        (tmp_path / str(number)).mkdir()
    assert [folder.name for folder in journals(tmp_path)] == ["2", "9", "10"]
    assert journals(tmp_path / "nowhere") == []
