"""Where the contract's routes stand."""

API = "/api/v2"
"""What the routes of the control plane are below."""

EXPERIMENTAL = "/api/experimental"
"""What the contract's routes are below that it may still change."""

PREFIXES = (f"{API}/aibridge", f"{API}/ai-gateway")
"""The contract's prefix of the record and the gateway, and its newer alias with the same routes."""
