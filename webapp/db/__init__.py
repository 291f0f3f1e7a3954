"""How the database is opened, read and written; what differs between PostgreSQL and SQLite."""
