from aibridge.cli.export.columns import Kind, columns
from aibridge.contract import Interception, Session


def test_the_columns_of_a_session() -> None:
    assert {column.name: column.kind for column in columns(Session)} == {
        "id": Kind.TEXT,
        "initiator_id": Kind.TEXT,
        "initiator_username": Kind.TEXT,
        "initiator_name": Kind.TEXT,
        "initiator_avatar_url": Kind.TEXT,
        "providers": Kind.JSON,
        "models": Kind.JSON,
        "client": Kind.TEXT,
        "metadata": Kind.JSON,
        "started_at": Kind.TIME,
        "ended_at": Kind.TIME,
        "threads": Kind.WHOLE,
        "token_usage_summary_input_tokens": Kind.WHOLE,
        "token_usage_summary_output_tokens": Kind.WHOLE,
        "token_usage_summary_cache_read_input_tokens": Kind.WHOLE,
        "token_usage_summary_cache_write_input_tokens": Kind.WHOLE,
        "last_prompt": Kind.TEXT,
        "last_active_at": Kind.TIME,
        "last_prompt_truncated": Kind.FLAG,
        "estimated": Kind.FLAG,
        "cost_micros": Kind.WHOLE,
        "unpriced_usage_count": Kind.WHOLE,
    }


def test_an_interception_has_each_kind_and_no_name_twice() -> None:
    found = columns(Interception)
    kinds = {column.name: column.kind for column in found}
    assert len(kinds) == len(found)
    assert kinds["started_at"] is kinds["ended_at"] is Kind.TIME
    assert kinds["duration_ms"] is Kind.NUMBER
    assert kinds["http_status"] is kinds["response_bytes"] is Kind.WHOLE
    assert kinds["stream"] is Kind.FLAG
    assert kinds["token_usages"] is kinds["edits"] is kinds["metadata"] is Kind.JSON
    assert kinds["thread_root_id"] is kinds["route"] is Kind.TEXT
