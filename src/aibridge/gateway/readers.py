"""The reader of each dialect."""

from types import ModuleType

from aibridge.dialects import chat, messages, responses
from aibridge.providers.types import Dialect

READERS: dict[Dialect, ModuleType] = {
    Dialect.MESSAGES: messages,
    Dialect.CHAT: chat,
    Dialect.RESPONSES: responses,
}
