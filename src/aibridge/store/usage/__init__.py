"""What calls cost: the prices that the operator sets."""
