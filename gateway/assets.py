"""Files that a browser asks for: read once, told from memory, and told again only when they have changed."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from gateway import etags


class Asset(Struct, frozen=True):
    """One file and its tag."""

    content: bytes
    media_type: str
    tag: str


def read(path: Path, media_type: str) -> Asset:
    """The file as it is now."""
    content = path.read_bytes()
    return Asset(content, media_type, f'"{hashlib.sha256(content).hexdigest()[:32]}"')


def answer(request: Request, asset: Asset, headers: Mapping[str, str]) -> Response:
    """200 with the file; 304 for a browser that has it already."""
    sent = {**headers, "ETag": asset.tag}
    if etags.is_known(request, asset.tag):
        return Response(status_code=etags.UNCHANGED, headers=sent)
    return Response(asset.content, headers=sent, media_type=asset.media_type)
