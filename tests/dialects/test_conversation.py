"""What is read of a request whatever its shape, and what is said of the rest."""

import json

import pytest

from aibridge.dialects import DIALECTS
from aibridge.dialects.conversation import MAX_HISTORY, MAX_PROMPT, NOTHING_READ
from aibridge.dialects.digests import MAX_TEXT
from aibridge.dialects.facts import Prompt, PromptKind
from aibridge.dialects.prompts.openings import OPENINGS

BOTH = ("messages", "chat")
HI = {"role": "user", "content": "hi"}
SECRET = {"role": "user", "content": "secret"}
IMAGE = {"type": "image", "source": {"type": "base64", "data": "QUJD"}}


def read(name, body):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return DIALECTS[name].read_request(data)


def talk(name, *said, **more):
    return {"model": "m", ("input" if name == "responses" else "messages"): list(said), **more}


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", *(f"utf-{n}{end}" for n in (16, 32) for end in ("", "-le", "-be"))],
)
@pytest.mark.parametrize("name", DIALECTS)
def test_a_body_is_read_in_every_unicode_encoding(name, encoding):
    body = json.dumps(talk(name, {"role": "user", "content": "hé"}), ensure_ascii=False)
    facts = read(name, body.encode(encoding))
    assert (facts.model, facts.typed, facts.notes) == ("m", "hé", [])


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("name", DIALECTS)
def test_numbers_that_are_none_do_not_hide_the_rest(name, number):
    said = {"role": "user", "content": f'is "{number}" a number? \\'}
    body = json.dumps(talk(name, said)).encode()[:-1] + f',"top_p":{number}}}'.encode()
    facts = read(name, body)
    assert (facts.model, facts.typed, facts.unread) == ("m", said["content"], False)


@pytest.mark.parametrize(
    "said",
    [
        {"role": "user", "content": {"type": "text", "text": "hi"}},
        {"role": "user", "content": ["hi"]},
        {"role": "user", "content": [{"type": "unknown", "text": "hi"}]},
        {"role": "user", "content": [{"type": "output_text", "text": "hi"}]},
        {"role": "user", "content": [{"type": "refusal", "refusal": "hi"}]},
        {"role": "user", "content": [{"text": {"value": "hi", "annotations": []}}]},
        {"role": "user", "content": [{"Type": "text", "Text": "hi"}]},
        {"role": "User", "content": "hi"},
        {"role": "customer", "content": "hi"},
        {"content": "hi"},
        {"Role": "user", "Content": "hi"},
        {"role": "system", "content": "hi"},
        {"role": "developer", "content": [{"type": "text", "text": "hi"}]},
        {
            "role": "user",
            "content": [{"type": "document", "source": {"type": "text", "data": "hi"}}],
        },
        {
            "role": "user",
            "content": [{"type": "document", "source": {"content": [{"text": "hi"}]}}],
        },
    ],
)
@pytest.mark.parametrize("name", DIALECTS)
def test_a_text_is_read_wherever_a_provider_may_take_it_from(name, said):
    facts = read(name, talk(name, said))
    assert (facts.prompts, facts.unread, facts.notes) == ((Prompt("hi"),), False, [])


@pytest.mark.parametrize(
    ("name", "body"),
    [
        *((name, {"Model": "m", "MESSAGES": [HI]}) for name in BOTH),
        *((name, {"model": "m", "messages": HI}) for name in BOTH),
        *((name, b'{"model":"m","mess\\u0061ges":[{"r\\u006fle":"user","content":"hi"}]}')
          for name in BOTH),
        ("chat", talk("chat", {"role": "tool", "content": "hi"})),
        ("messages", {"model": "m", "system": [{"type": "text", "text": "hi"}], "messages": []}),
        ("messages", talk("messages", {"role": "assistant", "content": "Yes,"}, system="hi")),
        ("responses", {"model": "m", "instructions": "hi"}),
        ("responses", {"model": "m", "instructions": "hi", "input": []}),
        ("responses", {"model": "m", "input": HI}),
        ("responses", {"model": "m", "input": ["hi"]}),
        ("responses", {"model": "m", "INPUT": "hi"}),
        ("responses", talk("responses", {"type": "input_text", "text": "hi"})),
        ("responses", {"model": "m", "prompt": {"id": "p", "variables": {"q": "hi"}}}),
        (
            "responses",
            {"model": "m", "prompt": {"variables": {"q": {"type": "input_text", "text": "hi"}}}},
        ),
    ],
)  # fmt: skip
def test_a_text_is_read_wherever_a_dialect_takes_it_from(name, body):
    facts = read(name, body)
    assert (facts.model, facts.typed, facts.unread, facts.notes) == ("m", "hi", False, [])


@pytest.mark.parametrize(
    ("name", "body", "note"),
    [
        *((name, talk(name, {"role": "user", "content": [IMAGE]}), NOTHING_READ)
          for name in DIALECTS),
        *((name, talk(name, {"role": "system", "content": "Tell."}, {"role": "user", "content": [
            IMAGE]}), NOTHING_READ) for name in DIALECTS),
        *((name, talk(name, {"role": "user", "content": None}), NOTHING_READ) for name in DIALECTS),
        *((name, talk(name, {"role": "assistant", "content": "hi"}), NOTHING_READ)
          for name in DIALECTS),
        *((name, talk(name, 5), None) for name in DIALECTS),
        *((name, talk(name, {"role": "user", "content": 5}), None) for name in DIALECTS),
        *((name, talk(name, HI, *[{"role": "system", "content": "x"}] * 1001), None)
          for name in DIALECTS),
        *((name, b'{"messages":5,"input":5}', None) for name in DIALECTS),
        *((name, b"a=b", None) for name in DIALECTS),
        *((name, b'{"messages":[%b],"messages":[%b]}' % (
            json.dumps(SECRET).encode(), json.dumps(HI).encode()),
           'the request may have "messages" more than once: the last one was read')
          for name in BOTH),
        ("responses", b'{"input":[{"role":"user","content":"secret"}],"input":"hi"}',
         'the request may have "input" more than once: the last one was read'),
        ("responses", b'{"input":"secret", "\\u0069nput":[{"role":"user","content":"hi"}]}',
         'the request may have "input" more than once: the last one was read'),
        ("responses", {"model": "m", "prompt": {"id": "pmpt_1"}}, NOTHING_READ),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said(name, body, note):
    facts = read(name, body)
    assert facts.unread
    assert facts.notes
    assert note is None or facts.notes == [note]


def test_a_reminder_beside_an_image_does_not_hide_that_nothing_was_read():
    reminder = {"type": "text", "text": "<system-reminder>x</system-reminder>"}
    facts = read("messages", talk("messages", {"role": "user", "content": [reminder, IMAGE]}))
    assert (facts.typed, facts.unread) == (None, True)


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("name", DIALECTS)
def test_messages_that_are_named_inside_of_others_are_no_repetition(name, indent):
    tool = {"messages": [1], "input": [1]}
    body = {"tools": [tool, tool], **talk(name, HI, HI), "more": tool}
    assert read(name, json.dumps(body, indent=indent).encode()).notes == []


def test_what_goes_on_needs_no_text_of_a_person():
    results = {
        "messages": {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t"}]},
        "chat": {"role": "tool", "tool_call_id": "t", "content": "x"},
        "responses": {"type": "function_call_output", "call_id": "t", "output": "x"},
    }
    for name, result in results.items():
        facts = read(name, talk(name, result))
        assert (facts.tool_result_ids, facts.unread, facts.notes) == (("t",), False, [])
    approval = {"type": "mcp_approval_response", "approve": True}
    assert not read("responses", talk("responses", approval)).unread


def test_mere_context_is_kept_where_there_is_nothing_else():
    text = "<system-reminder>\ncontext\n</system-reminder>"
    facts = read("messages", talk("messages", {"role": "user", "content": text}))
    assert facts.prompts == (Prompt(text, PromptKind.AUTOMATION),)
    assert not facts.unread


def test_a_command_may_expand_to_the_next_message():
    said = [
        {"role": "user", "content": "<command-message>x</command-message>\n<command-name>/review"
         "</command-name>\n<command-args>it</command-args>"},
        {"role": "user", "content": [{"type": "text", "text": "Look at all of…"},
                                     {"type": "text", "text": "be quick"}]},
    ]  # fmt: skip
    assert read("messages", talk("messages", *said)).prompts == (
        Prompt("/review it"),
        Prompt("Look at all of…", PromptKind.AUTOMATION),
        Prompt("be quick"),
    )


PREFILL = {"role": "assistant", "content": "{"}


@pytest.mark.parametrize("name", DIALECTS)
def test_the_prompt_of_a_prefill_is_before_it(name):
    said = [SECRET, {"role": "assistant", "content": "no"}, HI, PREFILL]
    assert read(name, talk(name, *said)).typed == "hi"
    assert read(name, talk(name, *said, {"role": "system", "content": "x"})).typed == "hi"


def test_an_answer_that_goes_on_is_no_prefill():
    server = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
    facts = read("messages", talk("messages", HI, {"role": "assistant", "content": [server]}))
    assert (facts.typed, facts.unread, facts.history_ids) == (None, False, ("srvtoolu_1",))


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("messages", {"role": "assistant", "content": [{"type": "server_tool_use", "id": "s1"}]}),
        ("messages", {"role": "assistant", "content": [{"type": "thinking", "thinking": "…"}]}),
        ("chat", {"role": "assistant", "tool_calls": [{"id": "made-up"}]}),
        ("responses", {"type": "reasoning", "summary": []}),
        ("responses", {"type": "item_reference", "id": "rs_0123456789ab"}),
        ("responses", {"type": "web_search_call", "id": "ws_0123456789ab"}),
    ],
)
def test_what_stands_before_an_answer_to_go_on_with_is_kept(name, last):
    rules = {"role": "developer", "content": "rules"}
    facts = read(name, talk(name, HI, rules, last))
    assert facts.prompts == (Prompt("hi", PromptKind.AUTOMATION),)


@pytest.mark.parametrize("name", DIALECTS)
def test_what_the_system_says_last_is_kept(name):
    facts = read(name, talk(name, HI, PREFILL, {"role": "developer", "content": "then this"}))
    assert facts.prompts == (Prompt("hi"), Prompt("then this", PromptKind.AUTOMATION))


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("blank", ["", " \n", [], [{"type": "text", "text": ""}]])
def test_beside_a_person_who_says_nothing_the_system_is_read(name, blank):
    said = [{"role": "developer", "content": "do it"}, {"role": "user", "content": blank}]
    facts = read(name, talk(name, *said))
    assert (facts.typed, facts.unread) == ("do it", False)


def test_a_prompt_without_messages_is_read():
    assert read("chat", json.dumps({"prompt": "hi"}).encode()).typed == "hi"


@pytest.mark.parametrize(
    ("name", "past", "ids"),
    [
        ("messages", [{"role": "assistant", "content": [
            {"type": "tool_use", "id": "t1"}, {"type": "tool_use", "id": "t2"}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1"},
                                         {"type": "tool_result", "tool_use_id": "t2"}]},
            {"role": "assistant", "content": "done"}], ("t1", "t2")),
        ("chat", [{"role": "assistant", "tool_calls": [{"id": "c1"}, {"id": "c2"}]},
                  {"role": "assistant", "content": "done"}], ("c1", "c2")),
        ("chat", [{"role": "assistant", "content": [{"type": "text", "text":
                  "Calling tools:\n[{'id': 'call_0042', 'type': 'function'}]"}]}], ("call_0042",)),
        ("chat", [{"role": "assistant", "content": "I saw {'id': 'call_0042'} there"}], ()),
        ("responses", [{"type": "function_call", "call_id": "c1", "id": "fc_0123456789ab"},
                       {"type": "function_call_output", "call_id": "c1", "output": ""},
                       {"type": "message", "role": "assistant", "id": "msg_0123456789ab",
                        "content": [{"type": "output_text", "text": "done"}]}],
         ("c1", "msg_0123456789ab")),
        ("responses", [{"type": "function_call", "call_id": "c1"},
                       {"role": "assistant", "id": "msg_0001", "content": "done"}], ("c1",)),
    ],
)  # fmt: skip
def test_ids_of_the_past_are_found_the_newest_last(name, past, ids):
    old = {"role": "user", "content": "old"}
    facts = read(name, talk(name, old, *past, HI))
    assert (facts.typed, facts.tool_result_ids, facts.history_ids) == ("hi", (), ids)
    assert (facts.digests is None) == bool(ids)


def test_the_last_results_are_enough_of_the_past():
    many = [{"type": "tool_result", "tool_use_id": f"t{n}"} for n in range(40)]
    facts = read("messages", talk("messages", {"role": "user", "content": many}))
    assert facts.history_ids == tuple(f"t{n}" for n in range(40 - MAX_HISTORY, 40))


def digests(*said, name="chat"):
    return read(name, talk(name, *said)).digests


def said(*texts):
    return [
        {"role": "assistant" if number % 2 else "user", "content": text}
        for number, text in enumerate(texts)
    ]


@pytest.mark.parametrize("name", DIALECTS)
def test_a_conversation_is_told_by_its_texts(name):
    first = digests(*said("one"), name=name)
    second = digests(*said("one", "ok", "two"), name=name)
    third = digests(*said("one", "ok", "two", "fine", "three"), name=name)
    assert first.before == first.first == ""
    assert (second.before, third.before) == (first.own, second.own)
    assert second.first == third.first
    assert len({first.own, second.own, third.own, second.first}) == 4
    other = digests(*said("one", "no", "two"), name=name)
    assert (other.before, other.first == second.first) == (first.own, False)


@pytest.mark.parametrize("name", DIALECTS)
def test_what_agents_change_does_not_change_a_digest(name):
    cached = {"type": "text", "text": " one\n", "cache_control": {"type": "ephemeral"}}
    reminder = {"type": "text", "text": "<system-reminder>now</system-reminder>"}
    changed = digests(
        {"role": "developer", "content": "other rules"},
        {"role": "user", "content": [reminder, cached]},
        {"role": "assistant", "content": [{"type": "text", "text": "ok"}]},
        *said("two"),
        {"role": "assistant", "content": "a prefill"},
        name=name,
    )
    assert changed == digests(*said("one", "ok", "two"), name=name)


def test_what_an_agent_sends_with_every_conversation_is_in_no_digest():
    examples = said("Change get_factorial() to use math.factorial", "Sure.")
    files = said("Here are summaries of some files present in my git repository.\n…", "Ok.")
    assert digests(*examples, *files, *said("one")) == digests(*said("one"))


def test_no_digest_is_made_of_a_long_conversation():
    assert digests(*said("x" * (MAX_TEXT - 10), "ok", "two")) is not None
    assert digests(*said("x" * MAX_TEXT, "ok", "two")) is None


@pytest.mark.parametrize("more", [{"previous_response_id": "resp_1"}, {"conversation": "conv_1"}])
def test_no_digest_is_made_of_a_part_of_a_conversation(more):
    assert read("responses", talk("responses", HI, **more)).digests is None


@pytest.mark.parametrize("name", DIALECTS)
def test_of_much_that_was_typed_the_last_is_kept(name):
    filler = {"role": "user", "content": "x" * MAX_PROMPT}
    facts = read(name, talk(name, filler, SECRET))
    assert [each.text[-6:] for each in facts.prompts] == ["xxxxxx", "secret"]
    assert facts.unread


def test_what_responses_keep_and_go_on_from():
    facts = read("responses", {"input": "hi", "previous_response_id": "resp_1", "store": False})
    assert (facts.previous_response_id, facts.stores) == ("resp_1", False)
    assert read("responses", {"input": "hi"}).stores
    assert not read("chat", talk("chat", HI, store=True)).stores


@pytest.mark.parametrize(
    ("name", "more", "kind"),
    [
        ("messages", {"system": "You are a title generator. You output ONLY a thread title. No"},
         PromptKind.SIDE_CALL),
        ("messages", {"system": [{"type": "text", "text": "x-anthropic-billing-header: x;"},
                                 {"text": "You run a web search for another Claude model, …"}]},
         PromptKind.SIDE_CALL),
        ("messages", {"system": [{"type": "text", "text":
                      "x-anthropic-billing-header: cc_version=2; cc_is_subagent=true;"}]},
         PromptKind.SUBAGENT),
        ("messages", {"system": 'Say "You are a title generator. You output ONLY…" or not'},
         PromptKind.TYPED),
        ("messages", {"max_tokens": 1}, PromptKind.SIDE_CALL),
        ("messages", {"max_tokens": 2}, PromptKind.TYPED),
        ("chat", {"max_completion_tokens": 1}, PromptKind.SIDE_CALL),
        ("responses", {"instructions": "You are the component that summarizes a conversation"},
         PromptKind.COMPACTION),
        ("messages", {}, PromptKind.TYPED),
    ],
)  # fmt: skip
def test_what_a_request_is_for_is_told_by_its_body(name, more, kind):
    assert read(name, talk(name, HI, **more)).kind is kind


@pytest.mark.parametrize(("begin", "kind"), OPENINGS.items())
@pytest.mark.parametrize("name", DIALECTS)
def test_a_system_prompt_says_what_a_request_is_for(name, begin, kind):
    if name == "messages":
        body = talk(name, HI, system=[{"type": "text", "text": f"{begin} and more"}])
    else:
        body = talk(name, {"role": "system", "content": f"\n{begin} and more"}, HI)
    assert read(name, body).kind is kind


@pytest.mark.parametrize("role", ["system", "developer"])
@pytest.mark.parametrize("name", ["chat", "responses"])
def test_a_system_prompt_is_found_among_the_messages(name, role):
    rules = {"role": role, "content": "You are a title generator. You output ONLY a thread title."}
    assert read(name, talk(name, rules, HI)).kind is PromptKind.SIDE_CALL
    turned = dict(reversed(rules.items()))
    assert read(name, talk(name, turned, HI)).kind is PromptKind.SIDE_CALL
    assert read(name, talk(name, {**rules, "role": "user"}, HI)).kind is PromptKind.TYPED


def test_a_probe_is_one_word_and_no_question():
    for text, kind in (("quota", PromptKind.SIDE_CALL), ("Is it so?", PromptKind.TYPED)):
        asked = {"role": "user", "content": text}
        assert read("messages", talk("messages", asked, max_tokens=1)).kind is kind


def test_the_session_of_copilot_is_in_its_system_prompt():
    rules = (
        "You are the GitHub Copilot CLI, …" + "x" * 9000 + "/home/a/.copilot/session-state/9-0-c1d2"
    )
    facts = read("chat", talk("chat", {"role": "system", "content": rules}, HI))
    assert facts.hints["session_folder"] == "9-0-c1d2"
    assert (
        "session_folder" not in read("chat", talk("chat", {"role": "user", "content": rules})).hints
    )
