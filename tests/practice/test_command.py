import signal
import socket
import subprocess
import sys

import httpx
import pytest
import typer
from typer.testing import CliRunner

from aibridge.cli.practice import practice

PROGRAM = "import typer; from aibridge.cli.practice import practice; typer.run(practice)"
SCRIPT = '[[turn]]\nparts = [{ text = "From the file." }]'


@pytest.fixture
def app():
    app = typer.Typer()
    app.command()(practice)
    return app


def test_the_command_serves_the_script_and_says_where(tmp_path):
    path = tmp_path / "script.toml"
    path.write_text(SCRIPT)
    command = [sys.executable, "-uc", PROGRAM, "--port", "0", "--script", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(9)]
        url = lines[2].strip().removeprefix("export ANTHROPIC_BASE_URL=")
        asked = {"model": "m", "input": "hi"}
        answer = httpx.post(f"{url}/v1/responses", json=asked, headers={"x-api-key": "k"})
        process.send_signal(signal.SIGTERM)
    assert "nothing is recorded" in lines[7]
    assert answer.json()["output"][0]["content"][0]["text"] == "From the file."


def test_a_script_that_cannot_be_played_is_refused(app, tmp_path):
    path = tmp_path / "script.toml"
    path.write_text("[[turn]]")
    result = CliRunner().invoke(app, ["--script", str(path)])
    assert result.exit_code == 2
    assert "needs parts or an error" in result.output


def test_a_port_in_use_is_reported(app):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = CliRunner().invoke(app, ["--port", str(taken.getsockname()[1])])
    assert result.exit_code == 2
    assert "cannot listen" in result.output


def test_a_port_out_of_range_is_refused(app):
    result = CliRunner().invoke(app, ["--port", "99999"])
    assert result.exit_code == 2
    assert "65535" in result.output
