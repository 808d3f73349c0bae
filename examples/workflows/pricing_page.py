"""A web page's own backend that prices one option a request: every millisecond counts, and patience is short.

    uvicorn examples.workflows.pricing_page:app
    curl 'localhost:8000/quote?spot=100&strike=105&volatility=0.2&maturity=1'

What the user typed wrong goes back with the fields' names; when Headrace has no room the page says when to come again.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from headrace_client import AsyncClient, Away, Busy, InvalidData, StillRunning
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

FIELDS = ("spot", "strike", "volatility", "maturity")
PATIENCE_S = 2.0
NOT_NUMBERS, NOT_NOW = 422, 503


@asynccontextmanager
async def one_client(app: Starlette) -> AsyncIterator[None]:
    """One for the whole process: its connections stay open."""
    async with AsyncClient(patience_s=PATIENCE_S) as client:
        app.state.client = client
        yield


async def quote(request: Request) -> JSONResponse:
    """GET /quote: price and delta of a European call."""
    try:
        asked = {field: float(request.query_params[field]) for field in FIELDS}
    except (KeyError, ValueError):
        return JSONResponse({"detail": f"{', '.join(FIELDS)}: a number each"}, NOT_NUMBERS)
    data = {"type": "call", "rate": 0.05, "method": "closed_form", **asked}
    client: AsyncClient = request.app.state.client
    try:
        # An equal question of a minute ago is answered from its result.
        found = await client.run("option_european", data, priority="high", cache="use", result_ttl_s=60)
    except InvalidData as wrong:
        return JSONResponse({"detail": wrong.detail, "errors": wrong.errors}, NOT_NUMBERS)
    except (Busy, Away, StillRunning) as later:
        headers = {"Retry-After": f"{max(1, round(later.retry_after_s))}"}
        return JSONResponse({"detail": "Prices are slow just now."}, NOT_NOW, headers)
    return JSONResponse({"price": found.price, "delta": found.delta})


app = Starlette(routes=[Route("/quote", quote)], lifespan=one_client)
