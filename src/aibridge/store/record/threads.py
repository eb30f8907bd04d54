"""Which interceptions begin a thread of the person: a session counts these.

A request that the agent makes for itself has its kind in its metadata; the person's own have none.
"""

from typing import Any

from sqlalchemy import ColumnElement, and_, literal_column, not_, or_

_KIND = '"kind":'


def is_persons(metadata: str) -> bool:
    """Return whether a request with these metadata is the person's own."""
    return _KIND not in metadata


def begins_thread(root_id: str | None, metadata: str) -> bool:
    """Return whether an interception begins a thread of the person."""
    return root_id is None and is_persons(metadata)


def beginning_threads(interceptions: Any) -> ColumnElement[bool]:  # noqa: ANN401 - columns
    """Return the same as a condition on the columns of ``interceptions``."""
    return and_(interceptions.thread_root_id.is_(None), of_person(interceptions))


def of_person(interceptions: Any) -> ColumnElement[bool]:  # noqa: ANN401 - columns
    """Return the condition under which a request is the person's own."""
    named: ColumnElement[bool] = interceptions.metadata.like(literal_column(f"'%{_KIND}%'"))
    return not_(named)


def typed(prompts: Any) -> ColumnElement[bool]:  # noqa: ANN401 - columns
    """Return the condition under which a row of ``user_prompts`` is what a person typed.

    Earlier releases recorded nothing else, and no kind.
    """
    named = prompts.metadata.like(f"%{_KIND}%")
    return or_(not_(named), prompts.metadata.like(f'%{_KIND}"typed"%'))
