"""Who may ask what, in the OpenAPI document: made from the rules that the gate decides by."""

from gateway import access
from gateway.openapi_pieces import Made

SCHEMES: Made = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key (`make key ROLE=submitter`) or a token of the configured issuer. Where neither "
        "exists, nothing is asked for.",
    },
    "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key, as well."},
}
EITHER: list[Made] = [{scheme: []} for scheme in SCHEMES]


def secured(paths: Made) -> Made:
    """The paths, each operation with what it asks for and the least role that may."""
    for path, methods in paths.items():
        for method, operation in methods.items():
            shown = path in access.OPEN_TO_WRITE and method.upper() not in access.READING  # a key, in the body
            if not (access.is_open(path) or shown):
                role = access.least(path, method.upper())
                operation |= {"security": EITHER, "description": f"For the role `{role}` and those above it."}
    return paths
