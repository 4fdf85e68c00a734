from zhike.kernel.lake.tests.conftest import database, server

__all__ = ["database", "server"]
