"""The pages for people: the API to try, every error explained. Nothing on them comes from another host."""

from functools import cache
from html import escape
from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gateway import assets, openapi, openapi_examples
from gateway.assets import Asset
from gateway.codes import CODES, PROXY_CODES, TASK_ERRORS
from gateway.finer_codes import FIELD_FAULTS, REFUSALS
from gateway.problems import nothing_at
from pipeline.settings import Settings

STATIC = Path(__file__).parent.parent / "static"
ASSETS = {
    "swagger-ui-bundle.js": ("swagger-ui/swagger-ui-bundle.js", "text/javascript"),
    "swagger-ui.css": ("swagger-ui/swagger-ui.css", "text/css"),
    "docs.js": ("docs.js", "text/javascript"),
    "docs.css": ("docs.css", "text/css"),
    "headrace.svg": ("headrace.svg", "image/svg+xml"),
}
# Swagger UI writes style attributes; scripts come from here only.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HTML = {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer", "Cache-Control": "no-cache"}


async def document(request: Request) -> Response:
    """GET /openapi.json: what this API takes and answers, made from the types that it decodes and encodes."""
    return Response(
        _document(request.app.state.desk.settings), headers={"Cache-Control": "no-cache"}, media_type="application/json"
    )


async def page(_: Request) -> Response:
    """GET /docs: the document as a page to read and try."""
    return Response((STATIC / "docs.html").read_bytes(), headers=HTML, media_type="text/html")


async def errors(_: Request) -> Response:
    """GET /docs/errors: every code, where `type` of an error leads."""
    return Response(_errors(), headers=HTML, media_type="text/html")


async def asset(request: Request) -> Response:
    """GET /docs/assets/{name}: what the pages are made of; asked again only when it has changed."""
    name = request.path_params["name"]
    if name not in ASSETS:
        raise nothing_at(request)
    return assets.answer(request, _asset(name), {"Cache-Control": "no-cache"})


ROUTES = [
    ("/openapi.json", document),
    ("/docs", page),
    ("/docs/errors", errors),
    ("/docs/assets/{name}", asset),
]


@cache
def _document(settings: Settings) -> bytes:
    return msgspec.json.encode(openapi.document(settings))


@cache
def _asset(name: str) -> Asset:
    path, media_type = ASSETS[name]
    return assets.read(STATIC / path, media_type)


@cache
def _errors() -> str:
    answers = "".join(
        f'<section id="{code}"><h3><code>{code}</code> <span>{m.status}</span> {escape(m.title)}</h3>'
        f"<p>{escape(m.meaning)}</p>"
        + (f"<p class='hint'>{escape(m.hint)}</p>" if m.hint else "")
        + f"<pre>{escape(openapi_examples.text(code, m))}</pre></section>"
        for code, m in (CODES | PROXY_CODES).items()
    )
    page = (STATIC / "errors.html").read_text().replace("{answers}", answers)
    for name, codes in (("task", TASK_ERRORS), ("refusal", REFUSALS), ("field", FIELD_FAULTS)):
        told = (
            f'<section id="{name}_{code}"><h3><code>{code}</code></h3><p>{escape(meaning)}</p></section>'
            for code, meaning in codes.items()
        )
        page = page.replace(f"{{{name}}}", "".join(told))
    return page
