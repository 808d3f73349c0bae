"""One JSON line on stderr: how the small programs beside supervisord log. (The others have `pipeline.log`.)"""

import os
import sys
from datetime import UTC, datetime

import msgspec


def write_line(service: str, level: str, name: str, **fields: object) -> None:
    """Write the line in one piece, at once."""
    ts = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line = {"ts": ts, "level": level, "event": name, "service": service, "pid": os.getpid(), **fields}
    os.write(sys.stderr.fileno(), msgspec.json.encode(line) + b"\n")
