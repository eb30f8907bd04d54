"""MCP servers that a request has the provider call: their URLs, by the names they go by."""

from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec
from msgspec import Raw, Struct

from aibridge.dialects.fields import MAX_LABEL, label

MAX_SERVERS = 64
"""Servers that are read of one request."""

MAX_READ = 256 << 10
"""Bytes of a list with servers in it that are read; a longer one is not."""


class _Server(Struct):
    """One of Anthropic's ``mcp_servers``, or a tool of OpenAI's of type ``mcp``."""

    name: Any = None
    url: Any = None
    server_label: Any = None
    server_url: Any = None


_SERVERS = msgspec.json.Decoder(list[_Server])


def servers_in(raw: Raw) -> dict[str, str]:
    """Return the URL of each server in a list, without what may be secret of it; never raises."""
    data = bytes(raw)
    if len(data) > MAX_READ or b'url":' not in data.replace(b'" :', b'":'):
        return {}
    try:
        found = _SERVERS.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    named = ((label(s.server_label or s.name), label(s.server_url or s.url)) for s in found)
    servers = [(name, bare_url(url)) for name, url in named if name and url]
    return dict(servers[:MAX_SERVERS])


def bare_url(url: str) -> str:
    """Return ``url`` without user, password, query and fragment, where keys are at times put."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))[
        :MAX_LABEL
    ]
