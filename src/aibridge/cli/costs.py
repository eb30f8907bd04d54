"""What was spent as lists and trees show it: in dollars, and whether it may be more."""

from aibridge.budgets.money import dollars


def cost(micros: int, unpriced: int) -> str:
    """Write a cost in few characters: as a minimum where usage rows have an unpriced part."""
    return f"≥ {dollars(micros)}" if unpriced else dollars(micros)
