"""Sparing the collector of garbage what a start has left behind, or what was imported later."""

import gc

GC_THRESHOLDS = (10_000, 20, 50)
"""Requests leave next to no cycles: Python's own thresholds would look for them all the time."""


def spare_collecting() -> None:
    """Have the collector of garbage not look through what there is by now: it stays."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
