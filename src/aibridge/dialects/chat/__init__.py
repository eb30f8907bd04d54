"""OpenAI Chat Completions, and the many that speak it.

Source: https://platform.openai.com/docs/api-reference/chat
"""

from aibridge.dialects.chat.answer import PIECES, QUIET, SKIP, StreamReader, read_answer
from aibridge.dialects.chat.request import read_request
from aibridge.dialects.chat.usage import ask_for_usage, is_usage_only, lacks_usage, may_lack_usage
from aibridge.dialects.errors import openai_error_body as error_body
from aibridge.dialects.errors import read_error

__all__ = [
    "PIECES",
    "QUIET",
    "SKIP",
    "StreamReader",
    "ask_for_usage",
    "error_body",
    "is_usage_only",
    "lacks_usage",
    "may_lack_usage",
    "read_answer",
    "read_error",
    "read_request",
]
