"""What was asked of people, groups, budgets or prices and cannot be done."""


class IdentityError(Exception):
    """What was asked cannot be done; the text says why, and ``field`` what is at fault."""

    def __init__(self, text: str, *, field: str = "") -> None:
        super().__init__(text)
        self.field = field


class UnknownError(IdentityError):
    """There is no such user, token, group, budget or price."""


class ConflictError(IdentityError):
    """As things stand it cannot be: somebody has to stay, or has to be first."""


class TakenError(ConflictError):
    """Somebody else has that name, or what was to be made is there already."""


class ForbiddenError(IdentityError):
    """The one who asks may see what it is about, but not do this to it."""
