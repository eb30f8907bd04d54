"""The two engines, SQLite and PostgreSQL: opening them, and what is particular to each."""
