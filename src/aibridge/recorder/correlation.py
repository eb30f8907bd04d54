"""Keys by which a later request of the same person is known to belong to an interception; pure.

A key is a word for what it stands for, and a digest: ids are as long as a provider likes.
"""

from hashlib import blake2b

_DIGEST_BYTES = 16


def response_key(id_: str) -> str:
    """Return the key of a response that the provider stores."""
    return f"response:{_digest(id_)}"


def conversation_key(id_: str) -> str:
    """Return the key of a conversation that the provider stores."""
    return f"conversation:{_digest(id_)}"


def stored_key(route: str, id_: str) -> str:
    """Return the key of what an answer on a route says that the provider stores."""
    return (conversation_key if "/conversations" in route else response_key)(id_)


def _digest(text: str) -> str:
    return blake2b(text.encode(errors="replace"), digest_size=_DIGEST_BYTES).hexdigest()
