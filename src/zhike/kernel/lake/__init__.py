"""The lake: facts as Parquet by month beside the database, written by change and read by a column engine."""
