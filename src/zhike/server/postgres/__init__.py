"""Django database backend: PostgreSQL, one database a company."""
