"""Telling agents as the keeper does: from those headers alone that are written into the journal."""

from collections.abc import Mapping, Sequence

from aibridge.agents import BUILT_IN, Agent, Agents


class Noting(dict[bytes, bytes]):
    """Headers that note which of them are asked for."""

    def __init__(self, headers: Mapping[bytes, bytes]) -> None:
        super().__init__(headers)
        self.asked: set[bytes] = set()

    def get(self, name: bytes, default: bytes | None = None) -> bytes | None:  # type: ignore[override]
        self.asked.add(name)
        return super().get(name, default)

    def __getitem__(self, name: bytes) -> bytes:
        self.asked.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        assert isinstance(name, bytes)
        self.asked.add(name)
        return super().__contains__(name)


def identify(
    headers: Mapping[bytes, bytes],
    hints: Mapping[str, str],
    openings: Sequence[str] = (),
    agents: Agents = BUILT_IN,
) -> Agent:
    """Tell an agent by all headers, and check that those in `Agents.headers` say as much."""
    noting = Noting(headers)
    found = agents.identify(noting, hints, openings)
    assert noting.asked <= agents.headers
    kept = {name: value for name, value in headers.items() if name in agents.headers}
    assert agents.identify(kept, hints, openings) == found
    return found
