"""The interface for other programs under /api/v1/: every object type by its declaration, read and changed as its holder may."""
