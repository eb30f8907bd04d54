"""Tokens of an answer that nobody saw the end of, estimated from what was said until then."""

from msgspec import Struct

from aibridge.dialects.facts import TokenUsage

BYTES_A_TOKEN = 4
"""Bytes of text that make a token, about: for prose and code of most languages."""

_FRAME = len(b"data: \n\n")


class Sizes(Struct):
    """How much text has come, in events that were read and in those that were passed over."""

    event: int = 0
    """Bytes of the event that is being read."""
    said: int = 0
    """Bytes of text that were read."""
    envelope: int = 0
    """Bytes of an event that brings text, without its text."""
    skipped_bytes: int = 0
    skipped_events: int = 0
    """Events of text that were passed over."""

    def take(self, size: int) -> None:
        """Count text of the event that is being read; the first one tells the envelope's size."""
        self.said += size
        if not self.envelope:
            self.envelope = max(1, self.event + _FRAME - size)

    def text(self) -> int:
        """Return about how many bytes of text have come, in all events together."""
        return self.said + max(0, self.skipped_bytes - self.skipped_events * self.envelope)


def tokens(counted: TokenUsage, said: int, request_bytes: int) -> TokenUsage:
    """Return what the provider has ``counted`` so far, with what it has not counted estimated."""
    estimated = {}
    if not (counted.input or counted.cache_read or counted.cache_write):
        counted.input = estimated["input_tokens"] = request_bytes // BYTES_A_TOKEN
    output = -(-said // BYTES_A_TOKEN)
    if output > counted.output:
        counted.output = estimated["output_tokens"] = output
    counted.is_estimate = True
    counted.metadata = {**counted.metadata, "estimated": estimated}
    return counted
