"""How much may be spent: limits of groups and of single users, in micro-dollars."""
