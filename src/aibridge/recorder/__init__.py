"""Facts to rows: the life of an interception, the writer and its group commit."""
