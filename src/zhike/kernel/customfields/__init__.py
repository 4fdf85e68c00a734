"""Fields that a company makes itself: defined in tables, valued in `Record.custom`, offered wherever the product's own are."""
