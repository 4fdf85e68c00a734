"""The worker: runs the jobs of all companies in one process.

`python -m zhike.server.worker`; SIGTERM lets running jobs finish for some seconds.
"""

import asyncio
import os
import signal
import sys

import django

from zhike.server.bootstrap import name_settings
from zhike.server.crew import Crew
from zhike.server.processes import die_with_parent


async def _main() -> None:
    crew = Crew()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, crew.stop.set)
    await crew.run()


def main() -> None:
    """Run until told to stop."""
    if os.environ.get("ZHIKE_SUPERVISED"):
        die_with_parent()
    name_settings()
    django.setup()
    asyncio.run(_main())
    sys.stdout.flush()
    # A job's thread cannot be stopped from outside, and Python would wait for it without end.
    os._exit(0)


if __name__ == "__main__":
    main()
