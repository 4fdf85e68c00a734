"""Making, arranging and removing a company's own fields, and the work over all records that follows."""
