"""Where the time of a do-nothing task goes: `python -m bench.profile`. Text, for docs/performance.md.

Store: microseconds a task by script (its slow log with a threshold of 0), and by command inside the scripts.
Parent, child, gateway: the functions that py-spy finds at work, by share of the samples.
"""

import re
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import over_http, peers
from bench.client import load
from bench.measure import tree
from bench.stage import Stage, stage
from pipeline import script

TASKS = 20_000
LOAD_S = 8
TOP = 12
SAMPLES_A_SECOND = 500


def main() -> None:
    """Print all of it."""
    peers.make_python()  # py-spy is there
    with stage(2) as s:
        s.submit(2_000)
        s.wait(2_000)
        store_profile(s)
        parent, child, *_ = tree(s.consumer)
        with Load(lambda: s.submit(2_000)):
            processes({"parent": parent, "child": child})
    with over_http.whole_stack() as running, Load(lambda: load(running.http, over_http.POST, 202, 32, 3_200)):
        processes({"gateway": running.pids("gateway")[0]})


class Load:
    """Keep something busy for the length of a block."""

    def __init__(self, once: object) -> None:
        self._once, self._on = once, True
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()
        time.sleep(1)

    def __exit__(self, *_: object) -> None:
        self._on = False
        self._thread.join()

    def _run(self) -> None:
        while self._on:
            self._once()  # type: ignore[operator]


def store_profile(s: Stage) -> None:
    """Microseconds a task in the store, by script and by command."""
    s.store.raw_all([("CONFIG", "SET", "slowlog-log-slower-than", "0", "slowlog-max-len", "200000")])
    s.store.raw_all([("SLOWLOG", "RESET"), ("CONFIG", "RESETSTAT")])
    s.submit(TASKS)
    s.wait(2_000 + TASKS)
    names = {script.load(name).sha: name for name in script.names()}
    took: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    for entry in s.store.raw("SLOWLOG", "GET", "-1"):
        words = entry[3]
        if words[0].lower() == b"evalsha":
            took[names[words[1].decode()]] += entry[2]
            calls[names[words[1].decode()]] += 1
    print(f"store, microseconds a task by script ({TASKS:,} tasks)")
    for name, us in took.most_common(6):
        print(f"  {us / TASKS:8.1f}  {name} ({TASKS / calls[name]:.0f} tasks a call)")
    stats = s.info("commandstats")
    inside = {
        name.removeprefix("cmdstat_"): re.findall(r"calls=(\d+),usec=(\d+)", text)[0] for name, text in stats.items()
    }
    print("store, microseconds a task by command inside them")
    outside = ("evalsha", "slowlog|get", "config|set", "info")
    rows = sorted(((int(us), int(n), name) for name, (n, us) in inside.items() if name not in outside), reverse=True)
    for us, times, command in rows[:TOP]:
        print(f"  {us / TASKS:8.1f}  {command} ({times / TASKS:.2f} a task)")
    lua = sum(took.values()) - sum(us for us, _, _ in rows)
    print(f"  {lua / TASKS:8.1f}  the rest: the interpreter")


def processes(pids: dict[str, int]) -> None:
    """Sample these processes at the same time, and print what they do."""
    spy = str(peers.PYTHON.with_name("py-spy"))
    with TemporaryDirectory() as folder:
        running = []
        for name, pid in pids.items():
            words = [spy, "record", "--format", "raw", "--rate", str(SAMPLES_A_SECOND), "--duration", str(LOAD_S)]
            words += ["--nonblocking", "--output", f"{folder}/{name}", "--pid", str(pid)]
            running.append(subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        for one in running:
            one.wait()
        for name in pids:
            print_top(name, Path(folder, name).read_text().splitlines())


def print_top(name: str, stacks: Sequence[str]) -> None:
    """The functions at the end of most stacks, and those that are in most stacks."""
    own: Counter[str] = Counter()
    within: Counter[str] = Counter()
    for line in stacks:
        text, _, samples = line.rpartition(" ")
        frames = [re.sub(r":\d+\)$", ")", frame) for frame in text.split(";")]
        own[frames[-1]] += int(samples)
        within.update(dict.fromkeys(frames, int(samples)))
    total = own.total()
    print(f"{name}: {total / SAMPLES_A_SECOND / LOAD_S:.0%} busy; own share, share with all it calls")
    for frame, count in own.most_common(TOP):
        print(f"  {count / total:6.1%} {within[frame] / total:6.1%}  {frame}")


if __name__ == "__main__":
    main()
