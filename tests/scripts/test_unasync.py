import pytest

from scripts import unasync


@pytest.mark.parametrize("name", unasync.MODULES)
def test_the_asynchronous_modules_are_what_the_script_writes(name):
    written = unasync.written(name)
    assert (unasync.SDK / f"async_{name}.py").read_text() == written
    assert written.startswith(f"# Written by scripts/unasync from {name}.py")


@pytest.mark.parametrize("prefix", ["", "async_"])
def test_the_types_of_raw_responses_are_what_the_script_writes(prefix):
    written = unasync.raw_methods(prefix)
    assert (unasync.SDK / f"{prefix}raw_methods.py").read_text() == written
    assert written.startswith("# Written by scripts/unasync from the signatures")


def test_no_other_module_is_asynchronous():
    found = {file.stem for file in unasync.SDK.glob("async_*.py")}
    assert found == {f"async_{name}" for name in (*unasync.MODULES, "raw_methods")}


def test_checking_tells_what_is_stale_and_writes_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(unasync, "SDK", tmp_path)
    monkeypatch.setattr(unasync, "MODULES", ("users",))
    (tmp_path / "users.py").write_text("def ask(self):\n    return self._ask(1)\n")
    monkeypatch.setattr("sys.argv", ["unasync", "--check"])
    assert unasync.main() == 1
    assert "async_users.py is not what scripts/unasync writes" in capsys.readouterr().err
    assert not (tmp_path / "async_users.py").exists()
    monkeypatch.setattr("sys.argv", ["unasync"])
    assert unasync.main() == 0
    assert "async def ask(self):\n    return await self._ask(1)" in unasync.written("users")
    monkeypatch.setattr("sys.argv", ["unasync", "--check"])
    assert unasync.main() == 0
