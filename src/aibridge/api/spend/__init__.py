"""What was spent: against limits, by whom and on what, and as a file (contract, section 1.12)."""

from aibridge.api.spend import breakdown, by_user, cache, export, focus, simulation, status

ROUTERS = (status.router, by_user.router, breakdown.router, cache.router, export.router)
EXPERIMENTAL = (focus.router, simulation.router)
