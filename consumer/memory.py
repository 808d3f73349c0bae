"""How much memory a child may have, and who sees to it: the parent, from outside.

    RLIMIT_DATA, right after the fork     one allocation too many raises MemoryError in the child, which ends it
    a look five times a second            a child that is over all the same (shared memory is no data) is killed
    oom_score_adj                         should the machine's memory end, the kernel takes a child, not parent or store

A child is born with its parent's pages, and what it had at birth is not its own: the limit is what it may add. What it
has is RssAnon + RssShmem + VmSwap. RssAnon also counts pages that are still shared with the parent, hence the
difference; only `smaps_rollup` tells them apart, and it walks every page to do so. A page of the parent's that the
child has written to is a copy of its own that the difference misses: never more than it was born with, some 20 MB.
"""

import os
import resource
import signal
from pathlib import Path

from consumer.child import OUT_OF_MEMORY
from pipeline.errors import SettingsError
from pipeline.settings import Settings

MB = 1_000_000
# With less a child cannot even hold large data, decode them and encode a large result.
LEAST_MB = 32
# The rest is for parents, gateways, the store and the system.
USABLE = 0.8
CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS)
FIRST_TO_GO = 1000  # of the scale of oom_score_adj, which ends here
CGROUPS = Path("/sys/fs/cgroup")


def limit_bytes(settings: Settings) -> int:
    """What one child may add to what it was born with. Raises SettingsError where that is too little to work."""
    if settings.memory_limit_mb:
        limit, why = settings.memory_limit_mb * MB, f"HEADRACE_MEMORY_LIMIT_MB={settings.memory_limit_mb}"
    else:
        here = machine_bytes()
        limit = int(USABLE * here / (settings.consumers_here * settings.children))
        why = (
            f"HEADRACE_MEMORY_LIMIT_MB=0, {limit / MB:.0f} MB ({USABLE:.0%} of {here / MB:.0f} MB among"
            f" HEADRACE_CONSUMERS_HERE={settings.consumers_here} × HEADRACE_CHILDREN={settings.children}),"
        )
    if limit < LEAST_MB * MB:
        raise SettingsError(f"{why} is too little: a child needs {LEAST_MB} MB to work at all")
    return limit


def machine_bytes() -> int:
    """The memory of this machine, or of the smallest cgroup around this process."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([machine, *cgroup_limits(Path("/proc/self/cgroup").read_text(), CGROUPS)])


def cgroup_limits(groups: str, mounted: Path) -> list[int]:
    """The memory limits of the cgroups of a process, and of those around them.

    `groups` is /proc/<pid>/cgroup: "0::<path>" is version 2, "<n>:…memory…:<path>" version 1. In a container the path
    may be one of outside, of which only the root is there: so all the way up is looked at.
    """
    limits = []
    for line in groups.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            root, name = mounted, "memory.max"
        elif "memory" in controllers.split(","):
            root, name = mounted / "memory", "memory.limit_in_bytes"
        else:
            continue
        group = root / path.lstrip("/")
        for each in (group, *group.parents):
            file = each / name
            if each.is_relative_to(root) and file.is_file() and (text := file.read_text().strip()) != "max":
                limits.append(int(text))
    return limits


class Allowance:
    """What one child has and may have. Made by its parent right after the fork."""

    def __init__(self, pid: int, limit_bytes: int) -> None:
        born = _status(pid)
        self.limit_bytes = limit_bytes
        self._pid = pid
        self._born_bytes = _own(born)
        self._born_rss = born.get("VmRSS", 0)
        most = limit_bytes + born.get("VmData", 0)
        _, allowed = resource.prlimit(pid, resource.RLIMIT_DATA)
        if allowed != resource.RLIM_INFINITY:
            most = min(most, allowed)  # more than was given to us we cannot give
        resource.prlimit(pid, resource.RLIMIT_DATA, (most, most))
        Path(f"/proc/{pid}/oom_score_adj").write_text(str(FIRST_TO_GO))

    def over(self) -> bool:
        """Whether the child has more than it may."""
        return _own(_status(self._pid)) - self._born_bytes > self.limit_bytes

    def ended(self, code: int, peak_bytes: int) -> bool:
        """Whether memory is why a child ended by itself, as far as can be told from outside.

        What is written in C often does not survive an allocation that fails: it goes down by a signal (msgspec does, in
        the middle of a large encoding). Buffers grow by doubling, so it had at least half of its limit then.
        """
        return code == OUT_OF_MEMORY or (-code in CRASHES and 2 * peak_bytes >= self.limit_bytes)

    def peak_bytes(self, most_rss_bytes: int) -> int:
        """The most that a dead child had of its own, by the most that it had in all."""
        return max(0, most_rss_bytes - self._born_rss)


def _own(status: dict[str, int]) -> int:
    return status.get("RssAnon", 0) + status.get("RssShmem", 0) + status.get("VmSwap", 0)


def _status(pid: int) -> dict[str, int]:
    """The sizes in /proc/<pid>/status, in bytes; none of a process that is dead."""
    with open(f"/proc/{pid}/status") as file:
        lines = [line.split() for line in file if line.startswith(("Vm", "Rss"))]
    return {name.rstrip(":"): int(kilobytes) * 1024 for name, kilobytes, _ in lines}
