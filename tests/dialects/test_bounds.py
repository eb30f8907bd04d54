"""What is read of large or hostile JSON: how much of it, and what the record says of the rest."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.dialects import DIALECTS, bounds
from aibridge.dialects.answers.reading import MAX_PARTS, MAX_UNREADABLE, MAX_USAGE_FIELDS
from aibridge.dialects.bounds import MAX_STRING, MAX_UNCHECKED, TooManyValues, bounded
from aibridge.dialects.conversation import MAX_MESSAGES, MAX_PROMPT
from aibridge.dialects.repair import MAX_SURROGATES

TEXTS = st.text(st.sampled_from('a "\\/\n\u00e9\u20ac\U0001f600,[{'), max_size=400)
VALUES = st.recursive(
    TEXTS | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture
def small(monkeypatch):
    """Bounds that small texts come up to: blocks of 64 bytes, strings of 128."""
    monkeypatch.setattr(bounds, "_BLOCK", 64)
    monkeypatch.setattr(bounds, "_MAX_BLOCKS", 2)
    monkeypatch.setattr(bounds, "MAX_STRING", 128)


def naive_values(text: bytes) -> int:
    """Count what opens or separates values, byte by byte."""
    count, inside, escaped = 0, False, False
    for byte in text:
        if escaped:
            escaped = False
        elif byte == ord("\\"):
            escaped = True
        elif byte == ord('"'):
            inside = not inside
        elif not inside and byte in b"[{,":
            count += 1
    return count


def is_cut(part: object, whole: object) -> bool:
    """Whether a value is another one, but for strings of which the end may be missing."""
    if isinstance(whole, str):
        return isinstance(part, str) and whole.startswith(part)
    if isinstance(whole, list):
        return isinstance(part, list) and all(map(is_cut, part, whole))
    if isinstance(whole, dict):
        return isinstance(part, dict) and len(part) <= len(whole)
    return part == whole


@given(value=VALUES, ascii_only=st.booleans())
def test_what_is_cut_is_json_of_the_same_shape(value, ascii_only):
    data = json.dumps(value, ensure_ascii=ascii_only).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bounds, "_BLOCK", 64)
        patch.setattr(bounds, "_MAX_BLOCKS", 2)
        patch.setattr(bounds, "MAX_STRING", 128)
        cut, _ = bounded(data)
    assert is_cut(json.loads(bytes(cut)), value)


@given(value=VALUES)
def test_values_are_counted_outside_strings_only(value):
    data = json.dumps(value).encode()
    count = naive_values(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bounds, "_BLOCK", 16)
        patch.setattr(bounds, "MAX_VALUES", count)
        bounded(data)
        patch.setattr(bounds, "MAX_VALUES", count - 1)
        with pytest.raises(TooManyValues):
            bounded(data)


@pytest.mark.parametrize(
    ("inside", "is_text"),
    [
        (b"A" * 300, False),
        (b"word " * 60, True),
        (b"\\n" * 150, True),
        (b"\\\\" * 150, True),
        (b"\\ud83d\\ude00" * 25, True),
        ("\u20ac".encode() * 100, True),
        ("\U0001f600".encode() * 75, True),
    ],
)
@pytest.mark.parametrize("shift", range(13))
def test_a_long_string_is_cut_between_two_characters(small, inside, is_text, shift):
    data = b'["' + b"x" * shift + inside + b'", 5]'
    cut, of_text = bounded(data)
    (said, number) = json.loads(bytes(cut))
    assert json.loads(data)[0].startswith(said)
    said.encode()  # no half of a surrogate pair
    assert len(cut) <= 4 * 64
    assert (number, of_text) == (5, is_text)


@pytest.mark.parametrize("data", [b'["' + b"x" * 100 + b'"]', b'["' + b'x", "' * 100 + b'"]'])
def test_what_is_not_too_long_is_not_copied(small, data):
    assert bounded(data)[0] is data


def test_commas_and_brackets_within_strings_make_no_values():
    body = json.dumps({"model": "m", "metadata": {"user_id": '[{,"' * 100_000}}).encode()
    facts = DIALECTS["messages"].read_request(body)
    assert (facts.model, facts.notes) == ("m", [])


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize(
    "many",
    [b'"k":1,', b'"k":[[],[],{}],', b'"metadata":{"k":{}},', b'"messages":[{}],"input":[{}],'],
)
def test_a_request_of_too_many_values_passes_with_a_note(name, many):
    body = b'{"model":"m",' + many * (bounds.MAX_VALUES // many.count(b",") + 1) + b'"x":1}'
    facts = DIALECTS[name].read_request(body)
    assert facts.notes == ["the request has more than 200000 values: it is not read"]


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("values", [b"[" * 300_000, b'{"a":' * 300_000])
def test_an_answer_nested_without_end_passes_with_a_note(name, values):
    (note,) = DIALECTS[name].read_answer(b'{"usage":' + values).notes
    assert note.endswith("has more than 200000 values: it is not read")


LONG_PROMPTS = {
    "messages": '{"messages":[{"role":"user","content":"%s"}]}',
    "chat": '{"messages":[{"role":"user","content":"%s"}]}',
    "responses": '{"input":"%s"}',
}


@pytest.mark.parametrize("text", ["word ", "\\n", "\U0001f600", "\\ud83d\\ude00"])
@pytest.mark.parametrize("name", DIALECTS)
def test_a_long_prompt_is_cut_with_a_note(name, text):
    body = (LONG_PROMPTS[name] % (text * (3 * MAX_STRING // len(text)) + "end")).encode()
    facts = DIALECTS[name].read_request(body)
    whole = json.loads(f'"{text}"')
    kept = facts.typed or ""
    assert 0 <= len(kept) <= MAX_PROMPT
    assert set(kept) <= set(whole)
    assert facts.notes[0] == "the request has a text that is too long: it was cut"


@pytest.mark.parametrize("name", ["messages", "chat"])
def test_texts_of_one_prompt_are_cut_together(name):
    parts = [{"type": "text", "text": letter * 400_000} for letter in "abcd"]
    body = json.dumps({"messages": [{"role": "user", "content": parts}]}).encode()
    facts = DIALECTS[name].read_request(body)
    assert [(facts.typed or "").count(letter) for letter in "abcd"] == [
        400_000,
        400_000,
        248_576,
        0,
    ]
    assert facts.notes == ["the prompt is too long: it was cut"]


def test_a_large_image_is_passed_over_without_a_note():
    image = {"type": "image", "source": {"data": "QUJD" * (1 << 20)}}
    content = [image, {"type": "text", "text": "what is it?"}]
    body = json.dumps({"messages": [{"role": "user", "content": content}]}).encode()
    facts = DIALECTS["messages"].read_request(body)
    assert (facts.typed, facts.notes) == ("what is it?", [])


@pytest.mark.parametrize("name", DIALECTS)
def test_only_the_last_messages_are_read(name):
    message = b'{"role":"user","content":""},'
    key = b"input" if name == "responses" else b"messages"
    first = b'{"role":"user","content":"first"},'
    most = message * (MAX_MESSAGES - 1)
    within = DIALECTS[name].read_request(b'{"%s":[%s%s]}' % (key, first, most[:-1]))
    beyond = DIALECTS[name].read_request(b'{"%s":[%s%s{}]}' % (key, first, most))
    assert (within.typed, within.notes) == ("first", [])
    assert (beyond.typed, beyond.notes) == (
        None,
        ["only the last 1000 messages were read"],
    )


@pytest.mark.parametrize("bad", [b"\xff", b"\\ud800"])
@pytest.mark.parametrize("name", DIALECTS)
def test_half_characters_are_repaired_up_to_a_megabyte(name, bad):
    body = b'{"model":"a%s","messages":[],"input":[]%s}'
    small = DIALECTS[name].read_request(body % (bad, b" " * 900_000))
    large = DIALECTS[name].read_request(body % (bad, b" " * 1_100_000))
    assert (small.model[:2], small.notes) == ("a\ufffd", [])
    assert large.notes == ["the request is not valid JSON, and too large to be repaired"]


@pytest.mark.parametrize("name", DIALECTS)
def test_so_many_half_characters_are_repaired(name):
    """Each takes a step of its own, so their number is bounded and not only their bytes."""
    body = b'{"model":"a","messages":[],"input":[],"x":"%s"}'
    some = DIALECTS[name].read_request(body % (rb"\ud800" * MAX_SURROGATES))
    more = DIALECTS[name].read_request(body % (rb"\ud800" * (MAX_SURROGATES + 1)))
    assert (some.model, some.notes) == ("a", [])
    assert more.notes == ["the request is not valid JSON"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("\\ud800", "\ufffd"),
        ("\\\\ud800", "\\ud800"),
        ("\\\\\\ud800", "\\\ufffd"),
        ("\\\\ud83d\\ude00", "\\ud83d\ufffd"),
        ("\\ud83d\\ude00\\ude00", "\U0001f600\ufffd"),
        ("\\ud83d\\ud83d\\ude00", "\ufffd\U0001f600"),
        ("\\\\\\\\" * 1000 + "\\udc00", "\\\\" * 1000 + "\ufffd"),
    ],
)
def test_a_lone_half_is_replaced_whatever_backslashes_are_before_it(written, read):
    body = f'{{"messages":[{{"role":"user","content":"{written}\\ud800"}}]}}'.encode()
    assert DIALECTS["chat"].read_request(body).typed == read + "\ufffd"


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("messages", b'{"content":[%s{"type":"tool_use","name":"last"}]}'),
        ("responses", b'{"output":[%s{"type":"a_call","name":"last"}]}'),
        ("chat", b'{"choices":[%s{"message":{"function_call":{"name":"last"}}}]}'),
        (
            "chat",
            b'{"choices":[{"message":{"tool_calls":[%s{"function":{"name":"last"}}]}}]}',
        ),
    ],
)
def test_so_many_parts_of_an_answer_are_read(name, body):
    within = DIALECTS[name].read_answer(body % (b"{}," * (MAX_PARTS - 1)))
    beyond = DIALECTS[name].read_answer(body % (b"{}," * MAX_PARTS))
    assert [call.name for call in within.tool_calls] == ["last"]
    assert (beyond.tool_calls, beyond.notes) == (
        [],
        ["more than 4000 parts: the rest was not read"],
    )


@pytest.mark.parametrize("name", DIALECTS)
def test_after_many_events_that_are_not_understood_none_is_read(name):
    reader = DIALECTS[name].StreamReader()
    for _ in range(MAX_UNREADABLE + 1):
        assert not reader.event(b"no")
    assert reader.facts().ended
    assert reader.notes[-1] == "more than 1000 events were not understood: no more is read"


def test_usage_takes_so_many_fields():
    reader = DIALECTS["messages"].StreamReader()
    for number in range(1000):
        usage = {f"k{number}": 1, "output_tokens": number}
        reader.event(json.dumps({"type": "message_delta", "usage": usage}).encode())
    facts = reader.facts()
    assert facts.usage is not None
    assert len(facts.usage.metadata["usage"]) == MAX_USAGE_FIELDS
    assert facts.notes == ["usage has more than 100 fields"]


@pytest.mark.parametrize("name", DIALECTS)
def test_a_large_error_is_not_parsed_but_shown(name):
    body = b'{"error":{"message":"' + b"x" * MAX_UNCHECKED + b'"}}'
    error = DIALECTS[name].read_error(500, body)
    assert error.message == body[:2000].decode()


@pytest.mark.parametrize("before", [0, 5000])
def test_a_session_is_looked_for_in_the_beginning_of_a_user_id(before):
    user_id = "x" * before + "_session_s"
    body = json.dumps({"metadata": {"user_id": user_id}}).encode()
    assert DIALECTS["messages"].read_request(body).hints.get("session_id") == (
        None if before else "s"
    )
