"""`python -m deploy.beat`: does the consumer of this host beat? Compose's health check of a consumer.

"The process exists" would be true of one that hangs; a heartbeat is written by the loop that does the work.
"""

import sys

from pipeline import settings, verbs
from pipeline.store import Store

if __name__ == "__main__":
    fleet = Store(settings.read(), "health").do(verbs.fleet())
    sys.exit(0 if any(beat.host == settings.host_name() for beat in fleet) else 1)
