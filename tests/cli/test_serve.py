"""Starts of the bridge that cannot be: each is refused in one line, with status 2."""

import ctypes
import subprocess
from pathlib import Path

import pytest

from tests.processes import environment
from tests.ready import Program, ready
from tests.terminal import COMMAND

ENGINES = ("sqlite",)

PR_CAPBSET_DROP = 24
CAPABILITIES = 64
"""More than Linux knows."""

PREPARING = "import aibridge.cli.serve, aibridge.server"


def give_up_privileges() -> None:
    """Have root, whom tests may run as, be denied what others are denied."""
    libc = ctypes.CDLL(None)
    for capability in range(CAPABILITIES):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


def start(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Try to start a bridge without the privileges of root."""
    known = environment() | {"AIBRIDGE_DATA_DIR": str(folder / "data")}
    program = Program(COMMAND, arguments, str(folder), known | variables)
    return ready(PREPARING, give_up_privileges).run(program)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ("--port 99999", "--port as a flag is '99999': "),
        ("--port 0 --host 192.0.2.1", "cannot listen on 192.0.2.1 port 0: cannot assign"),
        ("--port 0 --host a..b", "cannot listen on a..b: that is not the name of a host"),
        ("--config nothing.toml", "the configuration file nothing.toml: No such file"),
        ("--config secret.toml", "the configuration file secret.toml: Permission denied"),
        ("--config .", "the configuration file .: Is a directory"),
        ("--config tls.toml", "tls_cert nothing.pem cannot be read: No such file"),
        ("--port 0 --data-dir ours/data", "cannot create the database ours/data/aibridge.db"),
        ("--port 0 --data-dir ours", "cannot create the database ours/aibridge.db"),
        ("--port 0 --database sqlite:///ours/own.db", "cannot create ours/own.db.lock"),
        ("--database sqlite:///typo/x.db", "the database typo/x.db cannot be made: there is no"),
        ("--data-dir typo/data", "the data directory typo/data cannot be made: there is no"),
        ("--data-dir notes.txt", "the data directory notes.txt is not a directory"),
        ("--data-dir notes.txt/data", "the data directory notes.txt/data cannot be made"),
        ("--database sqlite:///notes.txt", "the database notes.txt is not an SQLite database"),
        ("--database sqlite:///ours", "the database ours is a directory"),
        ("--database sqlite:////dev/null", "the database /dev/null is not a file"),
        ("--database sqlite:///secret.toml", "secret.toml cannot be read: Permission denied"),
    ],
)
def test_a_start_that_cannot_be_is_refused_in_one_line(
    tmp_path: Path, flags: str, said: str
) -> None:
    (tmp_path / "secret.toml").touch(mode=0o000)
    (tmp_path / "tls.toml").write_text("tls_cert = 'nothing.pem'\ntls_key = 'nothing.pem'\n")
    (tmp_path / "notes.txt").write_text("no database")
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "own.db").touch(mode=0o600)
    (tmp_path / "ours").chmod(0o555)
    ended = start(tmp_path, "serve", *flags.split())
    errors = [line for line in ended.stderr.splitlines() if "warning: " not in line]
    assert (ended.returncode, ended.stdout) == (2, "")
    assert len(errors) == 1, ended.stderr
    assert errors[0].startswith(f"aibridge: {said}")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "flags",
    [
        "--database sqlite:///notes.txt",
        "--database sqlite:///folder",
        "--database sqlite:///typo/x.db",
        "--data-dir notes.txt",
        "--data-dir typo/data",
    ],
)
def test_a_refused_start_touches_nothing_and_warns_of_nothing(tmp_path: Path, flags: str) -> None:
    (tmp_path / "notes.txt").write_text("no database")
    (tmp_path / "folder").mkdir(mode=0o777)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path, *tmp_path.rglob("*"))}
    ended = start(tmp_path, "serve", "--port", "0", *flags.split())
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path, *tmp_path.rglob("*"))} == before


def test_a_port_that_needs_rights_is_refused_in_one_line(tmp_path: Path) -> None:
    free_from = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    if free_from <= 1:
        pytest.skip("here everybody may listen on every port")
    ended = start(tmp_path, "serve", "--port", "1")
    assert ended.returncode == 2
    assert ended.stderr == "aibridge: cannot listen on 127.0.0.1 port 1: permission denied\n"
