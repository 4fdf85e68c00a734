"""Stories in a real browser: the system's Chromium against the product as it runs, hashed files and all."""
