"""AI Bridge: a self-hosted gateway between coding agents and model providers.

All names of the Python SDK can be had from here, such as `aibridge.Client` and `aibridge.NotFound`.
"""

TYPE_CHECKING = False  # what type checkers take for typing's, without the time to import it
if TYPE_CHECKING:
    from aibridge.sdk import (
        AgenticAction,
        AIBridgeError,
        ApiError,
        AsyncClient,
        AuditAction,
        AuditDiffField,
        AuditLog,
        AuditLogList,
        AuditResource,
        Client,
        Conflict,
        ConnectionFailed,
        CreatedToken,
        CreateFirstUserResponse,
        FinalAnswer,
        Forbidden,
        Group,
        GroupAIBudget,
        GroupDetail,
        Interception,
        InterceptionFilter,
        InterceptionList,
        Invalid,
        LoginType,
        MinimalUser,
        Misconfigured,
        ModelThought,
        NotFound,
        Organization,
        Provider,
        RateLimited,
        RawResponse,
        Role,
        Session,
        SessionDetail,
        SessionFilter,
        SessionList,
        SiteRole,
        Thread,
        ThreadText,
        Timeout,
        Token,
        TokenCounts,
        TokenScope,
        TokenUsage,
        ToolCall,
        ToolUsage,
        Unauthorized,
        Unavailable,
        Usage,
        User,
        UserAIBudgetOverride,
        UserList,
        UserPrompt,
        UserStatus,
        Validation,
        WrongArgument,
    )

__version__ = "0.1.0"

__all__ = [
    "AIBridgeError",
    "AgenticAction",
    "ApiError",
    "AsyncClient",
    "AuditAction",
    "AuditDiffField",
    "AuditLog",
    "AuditLogList",
    "AuditResource",
    "Client",
    "Conflict",
    "ConnectionFailed",
    "CreateFirstUserResponse",
    "CreatedToken",
    "FinalAnswer",
    "Forbidden",
    "Group",
    "GroupAIBudget",
    "GroupDetail",
    "Interception",
    "InterceptionFilter",
    "InterceptionList",
    "Invalid",
    "LoginType",
    "MinimalUser",
    "Misconfigured",
    "ModelThought",
    "NotFound",
    "Organization",
    "Provider",
    "RateLimited",
    "RawResponse",
    "Role",
    "Session",
    "SessionDetail",
    "SessionFilter",
    "SessionList",
    "SiteRole",
    "Thread",
    "ThreadText",
    "Timeout",
    "Token",
    "TokenCounts",
    "TokenScope",
    "TokenUsage",
    "ToolCall",
    "ToolUsage",
    "Unauthorized",
    "Unavailable",
    "Usage",
    "User",
    "UserAIBudgetOverride",
    "UserList",
    "UserPrompt",
    "UserStatus",
    "Validation",
    "WrongArgument",
    "__version__",
]

if not TYPE_CHECKING:  # a type checker would take any name for one that is there

    def __getattr__(name: str) -> object:
        """Import the SDK when a name of it is first asked for: the server needs none of it."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from aibridge import sdk  # noqa: PLC0415 - see above

        return getattr(sdk, name)


def __dir__() -> list[str]:
    """Return the names of the module, with those that are not imported yet."""
    return sorted({*globals(), *__all__})
