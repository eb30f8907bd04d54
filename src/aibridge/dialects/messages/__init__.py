"""Anthropic Messages. Source: https://docs.anthropic.com/en/api/messages."""

from aibridge.dialects.errors import read_error
from aibridge.dialects.messages.answer import PIECES, QUIET, SKIP, StreamReader, read_answer
from aibridge.dialects.messages.refusal import error_body
from aibridge.dialects.messages.request import read_request

__all__ = [
    "PIECES",
    "QUIET",
    "SKIP",
    "StreamReader",
    "error_body",
    "read_answer",
    "read_error",
    "read_request",
]
