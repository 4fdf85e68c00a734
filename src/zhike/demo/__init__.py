"""A demo company of any size: invented, seeded, Chinese, and never copied from anybody's data."""
