"""Ports for tests: a run of free ones in the range that no default of ours uses."""

import os

from deploy.checks import port_is_free

FIRST, LAST = 18_000, 18_990


def free_run(length: int) -> int:
    """The first of `length` free ports in a row; different processes begin at different places."""
    begin = FIRST + os.getpid() * 37 % (LAST - FIRST)
    for first in (*range(begin, LAST - length), *range(FIRST, begin)):
        if all(port_is_free(port) for port in range(first, first + length)):
            return first
    raise RuntimeError("there are no free ports")
