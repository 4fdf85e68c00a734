"""Saved views of lists and layouts of pages: what a person or a company keeps of how object types are shown."""
