"""Which client is calling, which session of it and what for: tables, and the steps that read them.

Names and headers come from recorded traffic and from what the clients' own public sources send. A
header is matched by its lower-case name, a value whatever its case.
"""

from aibridge.agents.annotations import Annotations, annotations_of
from aibridge.agents.identify import BUILT_IN, Agent, Agents
from aibridge.agents.table import Client

__all__ = ["BUILT_IN", "Agent", "Agents", "Annotations", "Client", "annotations_of"]
