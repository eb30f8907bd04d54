"""The shipped price lists as a process gets them that must not import genai-prices."""

import json
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aibridge.prices import installed
from aibridge.prices.catalogue import Catalogue
from aibridge.prices.installed import CatalogueError, installed_catalogue

PROGRAM = """
import json, sys
from pathlib import Path
from aibridge.prices.installed import installed_catalogue

catalogue = installed_catalogue(Path(sys.argv[1]))
print(json.dumps([catalogue.version, len(catalogue.encode()), list(sys.modules)]))
"""


def start(folder: Path) -> subprocess.Popen[str]:
    """Begin a process that gets the lists."""
    command = [sys.executable, "-c", PROGRAM, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def printed(process: subprocess.Popen[str]) -> tuple[str, int, set[str]]:
    """Return the version and the size of the lists, and the modules that the process imported."""
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    version, size, modules = json.loads(output)
    return version, size, set(modules)


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


@pytest.fixture
def kept(tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the lists, made without a process."""
    with monkeypatch.context() as patch:
        patch.setattr(installed, "_made", catalogue.encode)
        installed_catalogue(tmp_path)
    (file,) = files(tmp_path)
    return file


def test_two_processes_that_begin_at_once_both_get_the_lists_without_importing_their_package(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    for version, size, modules in map(printed, [start(tmp_path), start(tmp_path)]):
        assert (version, size) == (catalogue.version, len(catalogue.encode()))
        assert not {"genai_prices", "pydantic", "httpx"} & modules
    (file,) = files(tmp_path)
    assert Catalogue.decode(file.read_bytes()) == catalogue


def test_the_file_is_for_its_owner_alone_and_named_after_the_version_of_the_data(
    kept: Path, catalogue: Catalogue
) -> None:
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert kept.name.startswith(f"prices-{catalogue.version.removeprefix('genai-prices ')}-")


def refuse() -> bytes:
    raise AssertionError("a process is begun")


def test_where_there_is_a_file_no_process_is_begun(
    kept: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installed, "_made", refuse)
    assert installed_catalogue(kept.parent) == catalogue


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:1000])


def write_another_shape(file: Path) -> None:
    file.write_text('{"version": 5, "lists": []}')


def make_unreadable(file: Path) -> None:
    """Make it lead to itself: nobody can read that, not even root."""
    file.unlink()
    file.symlink_to(file)


@pytest.mark.parametrize("spoil", [Path.unlink, cut, write_another_shape, make_unreadable])
def test_a_file_that_is_missing_not_whole_or_unreadable_is_made_anew(
    kept: Path,
    catalogue: Catalogue,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[Path], None],
) -> None:
    spoil(kept)
    monkeypatch.setattr(installed, "_made", catalogue.encode)
    assert installed_catalogue(kept.parent) == catalogue
    assert Catalogue.decode(kept.read_bytes()) == catalogue
    assert files(kept.parent) == [kept]


def test_other_data_has_another_file_and_the_former_one_goes(
    kept: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installed, "version", lambda _package: "9.9.9")
    monkeypatch.setattr(installed, "_made", catalogue.encode)
    installed_catalogue(kept.parent)
    (file,) = files(kept.parent)
    assert file.name == kept.name.replace(kept.name.split("-")[1], "9.9.9")


def test_another_module_of_ours_means_another_file(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "additions.py").write_text("ADDED = {}")
    monkeypatch.setattr(installed, "__file__", str(tmp_path / "src" / "installed.py"))
    name = installed._file_name()
    assert name != kept.name
    assert name.split("-")[:2] == kept.name.split("-")[:2]


@pytest.mark.parametrize("folder", ["not/there", "a-file"])
def test_where_no_file_can_be_written_the_lists_are_there_all_the_same(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    (tmp_path / "a-file").touch()
    monkeypatch.setattr(installed, "_made", catalogue.encode)
    assert installed_catalogue(tmp_path / folder) == catalogue
    assert [file.name for file in files(tmp_path)] == ["a-file"]


def test_a_disk_that_takes_no_more_leaves_no_piece_of_a_file(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: Path, _target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(installed, "_made", catalogue.encode)
    monkeypatch.setattr(Path, "replace", full)
    assert installed_catalogue(tmp_path) == catalogue
    assert files(tmp_path) == []


def test_lists_that_cannot_be_made_are_an_error_with_the_reason_and_leave_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installed, "MODULE", "aibridge.prices.no_such_module")
    with pytest.raises(CatalogueError, match=r"cannot be made: .*No module named"):
        installed_catalogue(tmp_path)
    assert files(tmp_path) == []


def test_a_process_that_prints_something_else_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installed, "MODULE", "this")
    with pytest.raises(CatalogueError, match="cannot be read"):
        installed_catalogue(tmp_path)
    assert files(tmp_path) == []


def test_a_process_that_takes_too_long_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installed, "SECONDS", 0)
    with pytest.raises(CatalogueError, match="timed out"):
        installed_catalogue(tmp_path)


def test_without_the_package_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installed, "PACKAGE", "no-such-package")
    with pytest.raises(CatalogueError, match="pip install"):
        installed_catalogue(tmp_path)


def test_no_module_of_the_folder_that_a_command_stands_in_is_imported(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "genai_prices.py").write_text("raise SystemExit('of the wrong folder')")
    monkeypatch.chdir(tmp_path)
    assert installed_catalogue(tmp_path / "data") == catalogue
