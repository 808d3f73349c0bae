"""Cases that no test can show, with the reason: one line each. A case that gets a test leaves this list."""

ELSEWHERE = {
    38: "There is no autoscaler; docs/operations.md says which figure one should scale on, and that 1 counts.",
    57: "There are no event streams over HTTP yet: they come with the API.",
    74: "There is no kind for implied volatility yet: it comes with the catalogue.",
    75: "There is no kind for implied volatility yet: it comes with the catalogue.",
    76: "There is no kind for American options yet: it comes with the catalogue.",
    79: "There is no kind for internal rates of return yet: it comes with the catalogue.",
    80: "There is no kind for dated returns yet: it comes with the catalogue.",
    82: "There is no optimiser yet: it comes with the catalogue.",
    84: "There is no kind for loans yet: it comes with the catalogue.",
    85: "There is no kind for bonds yet: it comes with the catalogue.",
}
