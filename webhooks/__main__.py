"""One courier: `python -m webhooks`. Settings from the environment, JSON lines on standard output. Two may run at once.

SIGTERM ─▶ no new claims ─▶ tries under way end, or are handed back ─▶ exit 0
"""

import asyncio
import os
import secrets
import signal
import sys

from pipeline import log, settings
from pipeline.errors import SettingsError
from pipeline.settings import Settings, host_name
from webhooks.courier import Courier

WRONG_USAGE = 2


def main() -> int:
    """Deliver until a signal; the exit code."""
    try:
        mine = settings.read()
    except SettingsError as wrong:
        print(wrong, file=sys.stderr)
        return WRONG_USAGE
    log.configure("webhooks", f"{host_name()}-{os.getpid()}-{secrets.token_hex(3)}", mine.log_level)
    asyncio.run(_deliver(mine))
    log.get().info("webhooks.stopped")
    return 0


async def _deliver(mine: Settings) -> None:
    courier = Courier(mine)
    loop = asyncio.get_running_loop()

    def stop(sent: signal.Signals) -> None:
        log.get().info("webhooks.stopping", signal=sent.name)
        courier.stop()

    for sent in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sent, stop, sent)
    log.get().info("webhooks.started")
    await courier.run()


if __name__ == "__main__":
    sys.exit(main())
