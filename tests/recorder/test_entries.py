"""Entries of the spool from when a request had one prompt, and an answer one usage."""

from contextlib import closing

import msgspec

from aibridge.dialects.facts import Prompt, TokenUsage
from aibridge.recorder.entries import from_entry, to_entry
from aibridge.recorder.ticket import Pending
from aibridge.store.spools import open_spool
from tests.recorder.facts import end, facts, start


def test_one_prompt_and_one_usage_are_read_as_the_first_of_each(tmp_path):
    entry = to_entry(Pending(start(prompt=None), end(facts=facts(usages=[]))))
    body = msgspec.msgpack.decode(entry.body)
    body["start"]["prompt"] = "Mend it."
    body["end"]["facts"]["usage"] = {"input": 7, "output": 2}
    with closing(open_spool(tmp_path, max_bytes=1 << 20)) as spool:
        spool.append([entry._replace(body=msgspec.msgpack.encode(body))])
        (kept,) = spool.first(9)
    found = from_entry(kept)
    assert found.start.prompts == (Prompt("Mend it."),)
    assert found.end is not None
    assert found.end.facts.usages == [TokenUsage(input=7, output=2)]
