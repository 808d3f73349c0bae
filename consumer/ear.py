"""How a signal reaches the parent's loop: it only writes its number into a socket, which the selector watches.

So nothing happens in the middle of something else: no lock is held, no line half written.
"""

import selectors
import signal
import socket
from collections.abc import Callable

STOPS = (signal.SIGTERM, signal.SIGINT)


class Ear:
    """Calls `stop` from the loop, with the signal's name, for each polite signal. Must live as long as the process."""

    def __init__(self, selector: selectors.BaseSelector, stop: Callable[[str], None]) -> None:
        self._stop = stop
        self._near, self._far = socket.socketpair()
        self._near.setblocking(False)
        self._far.setblocking(False)
        signal.set_wakeup_fd(self._far.fileno(), warn_on_full_buffer=False)
        for number in STOPS:
            signal.signal(number, lambda _number, _frame: None)  # without one, Python writes nothing
        selector.register(self._near, selectors.EVENT_READ, self._heard)

    def _heard(self, _mask: int) -> None:
        for number in self._near.recv(64):
            if number in STOPS:
                self._stop(signal.Signals(number).name)
