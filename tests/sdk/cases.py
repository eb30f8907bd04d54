"""A call of a method of the SDK, what it sends, and what it is answered."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Case:
    """A call of a method, the request it makes, and the answer; one that is bytes is no JSON."""

    name: str
    arguments: tuple[Any, ...]
    request: str
    body: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    answer: Any = None
    kind: Any = None
