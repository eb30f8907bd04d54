"""The names by which interceptions are filtered are the same wherever they stand."""

from aibridge.cli import record_filters
from aibridge.cli.thread_tree import LABELS
from aibridge.dialects.facts import PromptKind
from aibridge.store.lists.filters import KINDS, PARTS
from aibridge.store.schema.measures import Shape


def test_the_kinds_of_prompts_are_the_same_everywhere():
    kinds = {kind.value for kind in PromptKind}
    assert kinds == {*KINDS} == {*record_filters.KINDS} == LABELS.keys()


def test_each_name_has_a_flag_and_each_flag_a_name():
    assert {Shape[name.upper()] for name in (*KINDS, *PARTS)} == {*Shape}
