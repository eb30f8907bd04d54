"""The models of the HTTP contract, shared by the server's responses and its clients."""

from aibridge.contract.base import ErrorBody, MinimalUser, Model, Time, Validation, rfc3339
from aibridge.contract.interceptions import (
    Interception,
    InterceptionList,
    TokenUsage,
    ToolUsage,
    UserPrompt,
)
from aibridge.contract.sessions import (
    AgenticAction,
    FinalAnswer,
    ModelThought,
    Session,
    SessionDetail,
    SessionList,
    Thread,
    TokenCounts,
    ToolCall,
    Usage,
)

__all__ = [
    "AgenticAction",
    "ErrorBody",
    "FinalAnswer",
    "Interception",
    "InterceptionList",
    "MinimalUser",
    "Model",
    "ModelThought",
    "Session",
    "SessionDetail",
    "SessionList",
    "Thread",
    "Time",
    "TokenCounts",
    "TokenUsage",
    "ToolCall",
    "ToolUsage",
    "Usage",
    "UserPrompt",
    "Validation",
    "rfc3339",
]
