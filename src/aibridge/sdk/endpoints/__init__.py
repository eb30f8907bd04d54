"""The requests of the API, as values: one module for each part of it. No I/O."""
