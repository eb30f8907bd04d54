from aibridge.contract import Interception
from scripts.kill_asks import KINDS, USAGE, Ask
from scripts.kill_test import COMPLETE, INTERRUPTED, judge

ASK = Ask("Tell me a quick story, number 1-0.", KINDS[0], 0.0)
TOKENS: dict[str, object] = {
    "id": "t",
    "interception_id": "i",
    "provider_response_id": "r",
    "input_tokens": USAGE.input,
    "output_tokens": USAGE.output,
    "cache_read_input_tokens": 0,
    "cache_write_input_tokens": 0,
    "metadata": {},
    "created_at": "2026-01-01T00:00:00Z",
}


def recorded(**facts):
    whole = {
        "id": "i",
        "api_key_id": None,
        "initiator": {"id": "u", "username": "ana", "name": "", "avatar_url": ""},
        "provider": "anthropic",
        "provider_name": "anthropic",
        "model": "m",
        "client": None,
        "metadata": {},
        "started_at": "2026-01-01T00:00:00Z",
        "ended_at": "2026-01-01T00:00:00Z",
        "token_usages": [TOKENS],
        "user_prompts": [],
        "tool_usages": [],
        "status": "completed",
        "stop_reason": "end_turn",
    }
    return Interception.model_validate(whole | facts)


def test_no_answer_that_was_read_to_its_end_is_lost_by_a_kill(script):
    done = script("kill-test", "--rounds", "2", "--streams", "40")
    assert (done.returncode, done.stderr) == (0, "")
    total = done.stdout.splitlines()[-1].split()[-7:]
    requests, ended, complete, _broken, _interrupted, _unread, lost = map(int, total)
    assert (requests, lost) == (80, 0)
    assert complete == ended > 0


def test_nor_by_one_while_the_database_is_away_or_the_keeper_catches_up(script):
    done = script("kill-test", "--rounds", "2", "--streams", "40", "--outage")
    assert (done.returncode, done.stderr) == (0, "")
    total = done.stdout.splitlines()[-1].split()[-8:]
    waited, requests, ended, complete, _broken, _interrupted, _unread, lost = map(int, total)
    assert (requests, lost) == (80, 0)
    assert complete == ended > 0
    assert waited > 0


def test_an_answer_is_complete_only_with_its_stop_reason_and_tokens():
    assert judge(ASK, [recorded()]) == COMPLETE
    assert judge(ASK, [recorded(stop_reason="")]) not in {COMPLETE, INTERRUPTED}
    assert judge(ASK, [recorded(token_usages=[])]) not in {COMPLETE, INTERRUPTED}


def test_an_interrupted_answer_is_told_from_one_that_failed():
    assert judge(ASK, [recorded(status="failed", error_type="interrupted")]) == INTERRUPTED
    assert judge(ASK, [recorded(status="failed", error_type="timeout")]) != INTERRUPTED


def test_an_answer_that_is_missing_open_or_there_twice_is_wrong():
    assert judge(ASK, []) == "0 times on record"
    assert judge(ASK, [recorded(), recorded()]) == "2 times on record"
    assert judge(ASK, [recorded(ended_at=None)]) == "still open"
