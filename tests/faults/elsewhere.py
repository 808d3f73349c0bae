"""Cases that no test can show, with the reason: one line each. A case that gets a test leaves this list."""

ELSEWHERE = {
    38: "There is no autoscaler; docs/operations.md says which figure one should scale on, and that 1 counts.",
    57: "Events are tried at a gateway (gateway/test_watch.py); X-Accel-Buffering tells nginx to hold none back.",
}
