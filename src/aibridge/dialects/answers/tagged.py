"""Thinking that a model wrote into its text, between tags at the text's beginning."""

_TAGS = {"<think>": "</think>", "<thinking>": "</thinking>"}
_START = "<"
"""How each of them begins."""
_LONGEST = max(map(len, _TAGS))


class TaggedThinking:
    """Takes a text piece by piece and gives back what of it is thinking."""

    __slots__ = ("_close", "_seen", "is_open")

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Another text begins."""
        self._seen = ""
        self._close = ""
        self.is_open = True
        """Whether the next piece has to be looked at: the beginning, or thinking that goes on."""

    def take(self, piece: str) -> str:
        """Return the thinking that ``piece`` holds, mostly none."""
        if not self.is_open:
            return ""
        if self._close:
            return self._inside(piece)
        seen = (self._seen + piece).lstrip()
        if seen and not seen.startswith(_START):
            self.is_open = False
            return ""
        tag = next((tag for tag in _TAGS if seen.startswith(tag)), "")
        if tag:
            self._seen, self._close = "", _TAGS[tag]
            return self._inside(seen[len(tag) :])
        self._seen = seen[:_LONGEST]
        self.is_open = any(tag.startswith(seen) for tag in _TAGS)
        return ""

    def _inside(self, piece: str) -> str:
        """Take what is inside the tags, but for what may be the beginning of the closing one."""
        text = self._seen + piece
        end = text.find(self._close)
        if end >= 0:
            self.is_open = False
            return text[:end]
        kept = next(
            (
                size
                for size in range(len(self._close) - 1, 0, -1)
                if text.endswith(self._close[:size])
            ),
            0,
        )
        self._seen = text[len(text) - kept :]
        return text[: len(text) - kept]
