"""``aibridge whoami``: whose token is used, and of which bridge."""

from typing import TYPE_CHECKING

from aibridge.cli.connection import LOCAL, Where, connect, shown_url
from aibridge.cli.options import AsJson, Config, DatabaseURL, DataDir, Token, Url
from aibridge.cli.output import moment, print_facts, print_json
from aibridge.cli.users import roles_of

if TYPE_CHECKING:  # they take a while to import, and help texts need none of them
    from aibridge import contract
    from aibridge.sdk import Client

_OPERATOR = "operator: whoever can open the database may do everything, without a token"
_UNKNOWN = "not told: a token that is for calling models only cannot ask whose it is"


def whoami(
    *,
    as_json: AsJson = False,
    url: Url = None,
    token: Token = None,
    config: Config = None,
    data_dir: DataDir = None,
    database_url: DatabaseURL = None,
) -> None:
    """Show whose token is used, what it is for, and of which bridge or database.

    Example: aibridge whoami
    """
    where = Where(url, token, config, data_dir, database_url)
    with connect(where) as client:
        if where.on_this_machine:
            _print_operator(where, as_json=as_json)
        else:
            _print_caller(client, shown_url(where.url or LOCAL), as_json=as_json)


def _print_operator(where: Where, *, as_json: bool) -> None:
    from aibridge.cli.database import database_of  # noqa: PLC0415 - it takes a while to import

    database = database_of(where.config, where.data_dir, where.database_url)
    if as_json:
        print_json({"url": None, "database": database, "user": None, "token": None})
    else:
        print_facts({"database": database, "user": _OPERATOR})


def _print_caller(client: "Client", url: str, *, as_json: bool) -> None:
    user, token = _caller(client)
    if as_json:
        print_json(
            {
                "url": url,
                "database": None,
                "user": user and user.model_dump(mode="json"),
                "token": token and token.model_dump(mode="json"),
            }
        )
    elif user is None or token is None:
        print_facts({"url": url, "user": _UNKNOWN, "scopes": "gateway"})
    else:
        print_facts(
            {
                "url": url,
                "user": user.username,
                "roles": roles_of(user),
                "token": token.token_name,
                "scopes": ", ".join(token.scopes),
                "expires": moment(token.expires_at),
            }
        )


def _caller(client: "Client") -> "tuple[contract.User, contract.Token] | tuple[None, None]":
    """Return whose token it is and the token itself; nothing where it may not read that."""
    from aibridge.sdk import Forbidden  # noqa: PLC0415 - see above

    try:
        return client.get_user(), client.get_token(client.token.partition("-")[0])
    except Forbidden:
        return None, None
