"""Users, groups, tokens, limits and the audit log."""
