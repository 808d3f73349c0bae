"""Start a consumer: settings, log, kinds, then the fork of the children, then the first word to the store.

The order is the point. What is imported and compiled before the fork is shared by all children and is there when one
is replaced; what is opened before the fork a child would have to close. `__main__.py` runs this.
"""

import gc
import os
import secrets
import selectors
import sys

from calc import execute
from consumer import memory
from consumer.pace import Pace
from consumer.pool import Pool
from consumer.worker import Worker
from pipeline import log
from pipeline.errors import PipelineError, SettingsError
from pipeline.settings import Settings, host_name, read
from pipeline.store import ANSWER_S

# A parent waits ANSWER_S for an answer that does not come, and as long again for the connection that it then makes:
# meanwhile it renews nothing.
SAFE_LEASE_S = 2 * ANSWER_S


def main() -> int:
    """Run until stopped; answers the exit code."""
    try:
        settings = read()
    except SettingsError as wrong:
        log.configure("consumer", "")
        log.get().error("consumer.not_started", reason=str(wrong))
        return 2
    consumer = name(settings)
    log.configure("consumer", consumer, settings.log_level)
    try:
        memory_limit = memory.limit_bytes(settings)
        execute.load_installed()
        execute.load(settings.kinds)
        if settings.warm != "none":
            execute.warm([] if settings.warm == "all" else settings.warm.replace(" ", "").split(","))
        gc.collect()
        gc.freeze()  # else each full collection in a child copies the memory it shares with us
        selector = selectors.DefaultSelector()
        pool = Pool(settings.children, selector, Pace(), memory_limit)
    except (PipelineError, ImportError, ValueError) as wrong:
        log.get().error("consumer.not_started", reason=str(wrong))
        return 2
    warn(settings)
    Worker(settings, consumer, pool, selector).run()
    return 0


def warn(settings: Settings) -> None:
    """Say so when a lease is so short that one answer of the store that does not come may cost running work."""
    if settings.lease_s < SAFE_LEASE_S:
        log.get().warning("lease.short", lease_s=settings.lease_s, safe_s=SAFE_LEASE_S)


def name(settings: Settings) -> str:
    """The consumer's name. Without a setting it is new at each start: containers may share host name and pid."""
    return settings.name or f"{host_name()}-{os.getpid()}-{secrets.token_hex(3)}"


if __name__ == "__main__":
    sys.exit(main())
