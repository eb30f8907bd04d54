"""What the bytes say: one module a wire API. Pure: no I/O, no settings, no sockets."""
