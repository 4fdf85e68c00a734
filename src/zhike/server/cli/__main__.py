"""`python -m zhike.server.cli` is the same as `zhike`."""

from zhike.server.cli import main

main()
