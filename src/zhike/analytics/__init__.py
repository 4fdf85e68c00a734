"""Analytics: figures and scores worked out from the lake."""
