"""The faults of the chaos test: what breaks, under which load, and what must be on record after."""
