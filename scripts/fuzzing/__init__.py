"""Fuzzing of the readers of foreign bytes: inputs, readers, measuring."""
