"""OpenAI Responses. Source: https://platform.openai.com/docs/api-reference/responses."""

from aibridge.dialects.errors import openai_error_body as error_body
from aibridge.dialects.errors import read_error
from aibridge.dialects.responses.answer import PIECES, QUIET, SKIP, StreamReader, read_answer
from aibridge.dialects.responses.request import read_request

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
