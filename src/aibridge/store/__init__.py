"""Tables, migrations and queries: the only room with SQL."""
