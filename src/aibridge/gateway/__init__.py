"""The way of a request: authenticate, admit, forward, observe, record."""
