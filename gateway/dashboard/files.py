"""The files of the dashboard: read once, served from memory, found by name in a table and in no other way."""

from pathlib import Path

from gateway import assets
from gateway.assets import Asset

FOLDER = Path(__file__).parent.parent / "static" / "dashboard"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".json": "application/json",
}
INDEX = "index.html"
MOVED = 307
# Nothing from elsewhere, nothing inline, no text that becomes markup.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "require-trusted-types-for 'script'; trusted-types 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


def read(folder: Path = FOLDER) -> dict[str, Asset]:
    """Every file of the dashboard that a browser asks for, by its path; "" is the page itself."""
    found = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.suffix in TYPES}
    files = {name: assets.read(path, TYPES[path.suffix]) for name, path in found.items()}
    return files | ({"": files[INDEX]} if INDEX in files else {})
