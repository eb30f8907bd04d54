import shutil
import subprocess
from pathlib import Path

from aibridge.contract import SessionDetail
from scripts.demo import missing_of


def test_the_demo_shows_a_recorded_session_and_ends(script):
    done = script("demo", "--once")
    assert (done.returncode, done.stderr) == (0, "")
    for shown in (
        "days_between",
        '"first": "2026-03-01"',
        "There are 299 days.",
        "final completed",
    ):
        assert shown in done.stdout


def test_a_session_without_prompt_thought_tool_and_tokens_is_not_enough():
    counts = {
        "input_tokens": 1,
        "output_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_write_input_tokens": 0,
        "metadata": {},
    }
    session = SessionDetail.model_validate(
        {
            "id": "s",
            "initiator": {"id": "u", "username": "ana", "name": "", "avatar_url": ""},
            "providers": [],
            "models": [],
            "metadata": {},
            "started_at": "2026-01-01T00:00:00Z",
            "token_usage_summary": counts,
            "threads": [],
        }
    )
    missing = ["the prompt", "a thought", "a tool call with its arguments", "tokens"]
    assert missing_of(session) == missing


def test_the_help_is_printed_without_installing_anything(tmp_path):
    copied = shutil.copy(Path("scripts/demo").resolve(), tmp_path)
    helped = subprocess.run([copied, "--help"], capture_output=True, text=True, check=False)
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "scripts/demo [--once]" in helped.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]
