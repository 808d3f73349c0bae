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
from consumer.pace import Pace
from consumer.pool import Pool
from consumer.worker import Worker
from pipeline import log
from pipeline.errors import PipelineError, SettingsError
from pipeline.settings import Settings, host_name, read


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
        execute.load(settings.kinds)
        execute.warm()
        gc.collect()
        gc.freeze()  # else each full collection in a child copies the memory it shares with us
        selector = selectors.DefaultSelector()
        pool = Pool(settings.children, selector, Pace())
    except (PipelineError, ImportError, ValueError) as wrong:
        log.get().error("consumer.not_started", reason=str(wrong))
        return 2
    Worker(settings, consumer, pool, selector).run()
    return 0


def name(settings: Settings) -> str:
    """The consumer's name. Without a setting it is new at each start: containers may share host name and pid."""
    return settings.name or f"{host_name()}-{os.getpid()}-{secrets.token_hex(3)}"


if __name__ == "__main__":
    sys.exit(main())
