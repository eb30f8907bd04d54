"""Where the contract's routes stand."""

PREFIXES = ("/api/v2/aibridge", "/api/v2/ai-gateway")
"""The contract's prefix, and its newer alias with the same routes."""
