"""How much there is to read, before it is read."""

_EXPANSION = 64


def weight_of(size: int, *, compressed: bool) -> int:
    """Estimate how many bytes have to be read where so many have come."""
    return size * _EXPANSION if compressed else size
