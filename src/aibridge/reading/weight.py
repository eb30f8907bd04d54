"""How much there is to read, before it is read."""

_EXPANSION = 64


def weight_of(data: bytes | bytearray, *, compressed: bool) -> int:
    """Estimate how many bytes have to be read where ``data`` has come."""
    return len(data) * _EXPANSION if compressed else len(data)
