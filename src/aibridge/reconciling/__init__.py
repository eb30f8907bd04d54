"""Comparing what is on record with a provider's own report of costs or usage. Pure; no floats."""
