"""Who is calling: users, their roles and their tokens."""
