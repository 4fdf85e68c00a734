"""What was: the history of a record, the log of changes, deleted records, the state at a past moment, and how long it is kept."""
