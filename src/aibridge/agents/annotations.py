"""What a call was made for: a repository, a branch, pull requests and issues, as headers say.

The person says it in a header of the bridge, or the agent in one of its own; the person's counts
more. What cannot be read is noted, and refuses no call.
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from aibridge.agents.purposes import Headers
from aibridge.dialects.facts import Notes

HEADER = b"x-ai-bridge-annotations"
"""The header of the bridge: a JSON object, which may be percent-encoded as a whole."""
MAX_BYTES = 8192
MAX_CHARACTERS = 256
MAX_VALUES = 16

_NAME = "X-AI-Bridge-Annotations"
_TURN = b"x-codex-turn-metadata"
_KEYS = frozenset({"repo", "branch", "github_pr_urls", "linear_issue_ids"})
_FIELDS = msgspec.json.Decoder(dict[str, Any])
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_PORT = re.compile(r":\d*$")
_QUERY = re.compile(r"[?#].*")


class Annotations(Struct, frozen=True):
    """What a call was made for. A text that was not said is empty, lists are ascending."""

    repo: str = ""
    branch: str = ""
    pull_requests: tuple[str, ...] = ()
    issues: tuple[str, ...] = ()


_NOTHING = Annotations()


def annotations_of(headers: Headers, notes: Notes) -> Annotations | None:
    """Return what a call is annotated with, ``None`` if with nothing; add to ``notes``."""
    if HEADER not in headers and _TURN not in headers:
        return None
    found = _said(headers[HEADER], notes) if HEADER in headers else _NOTHING
    if not found.repo:
        found = replace(found, repo=_codex_repository(headers.get(_TURN, b"")))
    return None if found == _NOTHING else found


def repository(said: str) -> str:
    """Return a repository as ``host/owner/name``, without scheme, credentials, port or ``.git``.

    It is the address of a remote, or already a path; `git@host:owner/name` is one too.
    """
    scheme, rest = _without_credentials(said)
    host, slash, path = rest.partition("/")
    if scheme:
        host = _PORT.sub("", host)
    else:
        host, colon, begins = host.partition(":")
        path = f"{begins}{slash}{path}" if colon else path
    if scheme or "." in host:
        host = host.lower()
    parts = [host, *path.removesuffix("/").removesuffix(".git").split("/")]
    return "/".join(filter(None, parts))


def _without_credentials(url: str) -> tuple[str, str]:
    """Return the scheme of a URL, and what follows without a user, a query and a fragment."""
    found = _SCHEME.match(url := url.strip())
    scheme = found[0] if found else ""
    return scheme, _QUERY.sub("", url[len(scheme) :].rpartition("@")[2])


def _address(said: str) -> str:
    return "".join(_without_credentials(said)).rstrip("/")


def _branch(said: str) -> str:
    return said.strip().removeprefix("refs/heads/")


def _said(value: bytes, notes: Notes) -> Annotations:
    """Return what of the header of the bridge is valid."""
    if len(value) > MAX_BYTES:
        notes.add(f"{_NAME}: it is longer than {MAX_BYTES} bytes")
        return _NOTHING
    fields = _fields(unquote_to_bytes(value) if value.startswith(b"%") else value)
    if fields is None:
        notes.add(f"{_NAME}: it is not a JSON object")
        return _NOTHING
    if not fields.keys() <= _KEYS:
        notes.add(f"{_NAME}: it has other keys than {', '.join(sorted(_KEYS))}")
    return Annotations(
        _text(fields, "repo", repository, notes),
        _text(fields, "branch", _branch, notes),
        _texts(fields, "github_pr_urls", _address, notes),
        _texts(fields, "linear_issue_ids", str.strip, notes),
    )


def _fields(value: bytes) -> dict[str, Any] | None:
    try:
        return _FIELDS.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _text(fields: dict[str, Any], name: str, clean: Callable[[str], str], notes: Notes) -> str:
    value = fields.get(name)
    text = "" if value is None else _clean(value, clean)
    if text is None:
        notes.add(f"{_NAME}: {name} is no text of up to {MAX_CHARACTERS} printable characters")
    return text or ""


def _texts(
    fields: dict[str, Any], name: str, clean: Callable[[str], str], notes: Notes
) -> tuple[str, ...]:
    values = fields.get(name)
    if values is None:
        return ()
    if not isinstance(values, list) or len(values) > MAX_VALUES:
        notes.add(f"{_NAME}: {name} is no list of up to {MAX_VALUES} texts")
    some = values[:MAX_VALUES] if isinstance(values, list) else []
    texts = [_clean(value, clean) for value in some]
    if None in texts:
        limit = f"{MAX_CHARACTERS} printable characters"
        notes.add(f"{_NAME}: {name} has what is no text of up to {limit}")
    return tuple(sorted({text for text in texts if text}))


def _clean(value: object, clean: Callable[[str], str]) -> str | None:
    """Return a text as it is kept, ``None`` if it is none or cannot be kept."""
    if not isinstance(value, str) or not value.isprintable():
        return None
    text = clean(value)
    return text if len(text) <= MAX_CHARACTERS else None


def _codex_repository(turn: bytes) -> str:
    """Return the one repository that Codex says its workspaces are of, if it is one."""
    if b'"associated_remote_urls"' not in turn:
        return ""
    workspaces = (_fields(turn) or {}).get("workspaces")
    found = (
        {_remote(each) for each in workspaces.values()} if isinstance(workspaces, dict) else set()
    )
    found.discard("")
    return found.pop() if len(found) == 1 else ""


def _remote(workspace: object) -> str:
    urls = workspace.get("associated_remote_urls") if isinstance(workspace, dict) else None
    if not isinstance(urls, dict) or not urls:
        return ""
    return _clean(urls.get("origin", next(iter(urls.values()))), repository) or ""
