"""The event log, the live catalogue and what is known of people: one store each in memory, SQLite and PostgreSQL."""
