"""`make bench`: every benchmark in turn; the figures also go to var/bench/ as JSON."""

import sys
import time
from pathlib import Path

import msgspec

from bench import http_noop, peer, pipeline_noop


def main() -> int:
    folder = Path("var/bench")
    folder.mkdir(parents=True, exist_ok=True)
    for name, run in (("pipeline", pipeline_noop.main), ("http", http_noop.main), ("peer", peer.main)):
        print(f"\n{name}")
        figures = run()
        (folder / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}.json").write_bytes(msgspec.json.encode(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
