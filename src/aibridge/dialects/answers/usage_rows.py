"""What is recorded of a usage object: the tokens of each model run, and what was said of them."""

from collections.abc import Callable
from typing import Any

from aibridge.dialects.answers.usage import is_small, merged
from aibridge.dialects.facts import Notes, TokenUsage
from aibridge.dialects.fields import label

MAX_RUNS = 500
"""Model runs of one answer whose tokens are counted."""

MAX_BESIDE = 4 << 10
"""Bytes that are kept of what a provider says beside its tokens, each."""

_PRICED = ("service_tier", "speed", "inference_geo")
"""Fields of a usage object, or beside it, that a price may depend on."""

_TOLD = ("server_tool_use", "diagnostics", "prompt_cache_diagnostics", "fallback_credit")
"""Further fields that are kept with the tokens of the first model run."""

_Fields = dict[str, Any]


def usage_rows(
    usage: _Fields, beside: _Fields, tokens: Callable[[_Fields], TokenUsage], notes: Notes
) -> list[TokenUsage]:
    """Return the tokens of each model run: where ``iterations`` list them, instead of their sum.

    ``beside`` is what stands beside the usage object, by its name in the metadata.
    Source: https://platform.claude.com/docs/en/build-with-claude/compaction
    """
    runs = _runs(usage, notes)
    if len(runs) == 1:
        runs = [merged(usage, runs[0])]
    rows = [tokens(run) for run in runs]
    if not any(row.input or row.output or row.cache_read or row.cache_write for row in rows):
        first = tokens(usage)  # runs that were begun and not counted say less than the sum
        first.metadata = _metadata(usage, {}, beside, notes, is_first=True)
        return [first]
    for number, (row, run) in enumerate(zip(rows, runs, strict=True)):
        row.metadata = _metadata(usage, run, beside, notes, is_first=not number)
    return rows


def _runs(usage: _Fields, notes: Notes) -> list[_Fields]:
    found = usage.get("iterations")
    if not isinstance(found, list):
        return []
    runs = [run for run in found if isinstance(run, dict) and run]
    if len(runs) > MAX_RUNS:
        notes.add(f"more than {MAX_RUNS} model runs: the tokens of the rest were not read")
    return runs[:MAX_RUNS]


def _metadata(
    usage: _Fields, run: _Fields, beside: _Fields, notes: Notes, *, is_first: bool
) -> _Fields:
    """Return what is said of a model run; the whole usage object is kept with the first one."""
    metadata: _Fields = {}
    raw = usage if is_first else run
    if raw and is_small(raw):
        metadata["usage"] = raw
    elif raw:
        notes.add("the usage object is too large to be kept")
    for name in _PRICED:
        if value := label(run.get(name) or usage.get(name) or beside.get(name)):
            metadata[name] = value
    for name in _TOLD if is_first else ():
        found = usage.get(name) or beside.get(name)
        if found and is_small(found, MAX_BESIDE):
            metadata[name] = found
    if kind := label(run.get("type")):
        metadata["type"] = kind
    if model := label(run.get("model")) or label(beside.get("provider_model")):
        metadata["provider_model"] = model
    if beside.get("partial"):
        metadata["partial"] = True
    return metadata
