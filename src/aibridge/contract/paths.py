"""Where the contract's routes stand."""

API = "/api/v2"
"""What every route of the control plane is below."""

PREFIXES = (f"{API}/aibridge", f"{API}/ai-gateway")
"""The contract's prefix of the record and the gateway, and its newer alias with the same routes."""
