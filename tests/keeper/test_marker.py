"""The marker: which call ended the last keepers."""

from contextlib import closing

import pytest

from aibridge.keeper.marker import ATTEMPTS, NAME, Marker
from aibridge.keeper.reading import KILLED
from tests.keeper.journals import keep


def test_a_call_at_which_several_keepers_ended_is_not_read_any_more(tmp_path):
    for _ in range(ATTEMPTS):
        with closing(Marker(tmp_path)) as marker:
            assert marker.begin("before")
            marker.end()
            assert marker.begin("one")
    with closing(Marker(tmp_path)) as marker:
        assert marker.begin("before")
        marker.end()
        assert not marker.begin("one")
        assert marker.begin("behind")


def test_who_ended_in_good_order_has_left_no_marker(tmp_path):
    for _ in range(ATTEMPTS + 1):
        with closing(Marker(tmp_path)) as marker:
            assert marker.begin("a call")
            marker.end()


@pytest.mark.parametrize("content", [b"", b"\0" * 128, b"a call many", b"\xff\xfe 3", b"1 2 3"])
def test_whatever_stands_in_its_file_is_no_reason_to_end(tmp_path, content):
    (tmp_path / NAME).write_bytes(content)
    with closing(Marker(tmp_path)) as marker:
        assert marker.begin("a call")


def test_a_call_whose_answer_ended_several_keepers_keeps_its_prompt(gateway, root, database, rows):
    """Nor does one whose request did so lose its answer."""
    ids = {}
    for what in ("answer", "request"):
        ids[what] = gateway.call("What was typed.")
        (root / NAME).write_text(f"{ids[what]}:{what} {ATTEMPTS}")
        keep(root, database)
    notes = {row["id"]: row["notes"] for row in rows("interceptions")}
    assert notes == {id_: f'["{what}: {KILLED}"]' for what, id_ in ids.items()}
    prompts = [row["interception_id"] for row in rows("user_prompts")]
    used = [row["interception_id"] for row in rows("token_usages")]
    assert (prompts, used) == ([ids["answer"]], [ids["request"]])
