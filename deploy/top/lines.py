"""How `make top` writes a look: as a line, and as a table."""

from collections.abc import Sequence
from datetime import UTC, datetime

from deploy.top.look import Look
from pipeline.record import STATES, Beat, Child

COLUMNS = ("waiting", "running", "oldest", "in/s", "out/s", "fail/s", "wait95", "paths/s", "util", "store")
WIDTHS = (7, 7, 6, 6, 6, 6, 6, 7, 4, 7)  # with the time 80 columns
BOLD, RED, PLAIN = "\x1b[1m", "\x1b[31m", "\x1b[0m"


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return " ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))


HEADING = f"{'time':8} {_row(COLUMNS, WIDTHS)}"


def line(look: Look) -> str:
    """One second: tasks that wait and run, the oldest job, tasks a second, and so on as HEADING names them."""
    return f"{_clock(look)} {_row(_cells(look), WIDTHS)}"


def table(look: Look, colours: bool) -> list[str]:
    """The same, then the states, the priorities, the kinds that ended, and each process with what it does."""
    bold, red, plain = (BOLD, RED, PLAIN) if colours else ("", "", "")
    states = "  ".join(f"{state} {look.states.get(state, 0):,}" for state in STATES)
    rows = [f"{bold}{HEADING}{plain}", line(look), "", f" tasks  {states}  retrying {look.retrying:,}", ""]
    rows.append(f"{bold} {'priority':10}{_row(('waiting', 'held', 'oldest'), (9, 9, 9))}{plain}")
    for queue in look.queues:
        oldest = None if queue.oldest_at is None else max(0, look.at_ms - queue.oldest_at)
        paused = f"  {red}paused: {printable(queue.paused.reason)}{plain}" if queue.paused else ""
        cells = (f"{queue.waiting:,}", f"{queue.held:,}", span(oldest))
        rows.append(f" {queue.priority:10}{_row(cells, (9, 9, 9))}{paused}")
    kinds = "  ".join(f"{printable(kind)} {rate(n)}" for kind, n in list(look.rates.by_kind.items())[:6])
    rows += ["", f" ended, tasks/s  {kinds or '–'}", ""]
    rows.append(
        f"{bold} {'consumer':24} {'child':>5} {'state':9} {'kind':20} {'job':>6} {'for':>8} {'memory':>9}{plain}"
    )
    if not look.beats:
        rows.append(f" {red}No consumer lives: nothing is computed.{plain}")
    return rows + [row for beat in look.beats for row in _children(beat, look.at_ms)]


def _children(beat: Beat, now_ms: int) -> list[str]:
    return [_child(beat, number, child, now_ms) for number, child in enumerate(beat.children)]


def _child(beat: Beat, number: int, child: Child, now_ms: int) -> str:
    busy = "task" in child
    state = "draining" if beat.draining else "busy" if busy else "idle"
    kind, job = (str(child.get("kind", "")), str(child.get("job", ""))) if busy else ("", "")
    ran = span(max(0, now_ms - int(child["since"]))) if busy and "since" in child else ""
    name = printable(beat.name)[:24] if number == 0 else ""
    memory = size(int(child.get("rss_bytes", 0)))
    return f" {name:24} {number:5} {state:9} {printable(kind)[:20]:20} {printable(job)[:6]:>6} {ran:>8} {memory:>9}"


def _cells(look: Look) -> tuple[str, ...]:
    rates = look.rates
    return (
        f"{look.states.get('queued', 0)}",
        f"{look.states.get('running', 0)}",
        span(look.oldest_ms),
        rate(rates.submitted),
        rate(rates.ended),
        rate(rates.failed),
        span(look.wait_p95_ms),
        amount(rates.paths),
        "–" if look.used is None else f"{round(100 * look.used)}%",
        size(look.store_bytes),
    )


def _clock(look: Look) -> str:
    return f"{datetime.fromtimestamp(look.at_ms / 1000, UTC):%H:%M:%S}"


# ── figures ──


def rate(per_s: float) -> str:
    """So many a second: 0.3, 38.2, 1204."""
    return f"{per_s:.0f}" if per_s >= 1000 else f"{per_s:.1f}"


def amount(n: float | None) -> str:
    """A large amount in short: 38.2M."""
    if n is None:
        return "–"
    for unit in ("", "k", "M"):
        if n < 999.5:
            return f"{n:.3g}{unit}"
        n /= 1000
    return f"{n:.3g}G" if n < 999.5 else f"{n:.0f}G"


def span(ms: float | None) -> str:
    """A duration: 12 ms, 5.3 s, 4 m, 3.1 h, 9 d; – for none."""
    if ms is None:
        return "–"
    if ms < 999.5:
        return f"{ms:.0f} ms"
    if ms < 99_950:
        return f"{ms / 1000:.1f} s"
    if ms < 5_970_000:
        return f"{ms / 60_000:.0f} m"
    return f"{ms / 3_600_000:.1f} h" if ms < 359_640_000 else f"{ms / 86_400_000:.0f} d"


def size(bytes_: int) -> str:
    """A size: 31 MiB, 1.4 GiB."""
    mib = bytes_ / 2**20
    return (
        f"{mib:.0f} MiB" if mib >= 9.95 and mib < 1000 else f"{mib:.1f} MiB" if mib < 1000 else f"{mib / 1024:.1f} GiB"
    )


def printable(text: str) -> str:
    """A name that a client chose: nothing in it moves the cursor or turns the line."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def cut(row: str, columns: int) -> str:
    """As much of a row as fits; colours take no room."""
    out, shown, i = [], 0, 0
    while i < len(row) and shown < columns:
        if row[i] == "\x1b":
            end = row.index("m", i) + 1
            out.append(row[i:end])
            i = end
            continue
        out.append(row[i])
        shown, i = shown + 1, i + 1
    return "".join(out) + (PLAIN if "\x1b" in row else "")
