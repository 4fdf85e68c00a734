"""A site of one page that says which company and database a request reached."""
