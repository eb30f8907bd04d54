"""Who wrote the texts that a request has in the person's name, and which of them are theirs."""

from aibridge.dialects.prompts.messages import ends_with_command, gather, prompts_in
from aibridge.dialects.prompts.requests import is_system, kind_of, openings
from aibridge.dialects.prompts.results import words_in_result

__all__ = [
    "ends_with_command",
    "gather",
    "is_system",
    "kind_of",
    "openings",
    "prompts_in",
    "words_in_result",
]
