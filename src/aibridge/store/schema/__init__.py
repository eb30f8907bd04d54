"""The tables, and rows of them as they are written."""
