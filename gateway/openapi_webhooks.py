"""Webhooks and their secrets, in the OpenAPI document."""

import msgspec

from gateway.openapi_links import OF_SECRET
from gateway.openapi_pieces import BARE, JSON, SHORT, Good, Made, operation, path, query, ref
from gateway.routes.webhooks import LISTED, DeliveryAnswer, DeliveryList, NewSecret, SecretList, SecretMade
from pipeline.apikeys import OWNER

ANSWERS = (DeliveryList, DeliveryAnswer, SecretMade, SecretList, NewSecret)


def paths(anywhere: tuple[str, ...]) -> Made:
    """The operations."""
    asked = ("invalid_query", *anywhere)
    id = path("id", {"type": "string"}, "The webhook-id: that of a task or batch.")
    owner = path("owner", {"type": "string", "pattern": f"^{OWNER.pattern}$"}, "Whose secret it is.")
    secret_id = path("secret_id", {"type": "string"}, "As GET /webhook-secrets tells it.")
    state = query("state", {"enum": list(LISTED), "default": LISTED[0]}, "Owed, or given up.")
    told = {200: Good("DeliveryAnswer", "The delivery.")}
    return {
        "/webhooks": {
            "get": operation(
                "List deliveries", "deliveries", [state], {200: Good("DeliveryList", "200 at most.")}, asked
            )
        },
        "/webhooks/{id}": {
            "get": operation("Look at a delivery", "delivery", [id], told, ("unknown_delivery", *asked))
        },
        "/webhooks/{id}/redeliver": {
            "post": operation(
                "Deliver once more",
                "redeliver",
                [id],
                {202: Good("DeliveryAnswer", "It is owed again.")},
                ("unknown_delivery", *BARE, *asked),
            )
        },
        "/webhook-secrets": {
            "get": operation("List secrets", "secrets", [], {200: Good("SecretList", "Without their text.")}, asked),
            "post": operation(
                "Make a secret",
                "make_secret",
                [],
                {201: Good("SecretMade", "Shown this once; the one before it signs as well.", links=OF_SECRET)},
                (*SHORT, *asked),
                {"required": True, "content": {JSON: {"schema": ref("NewSecret"), "examples": EXAMPLE}}},
            ),
        },
        "/webhook-secrets/{owner}/{secret_id}": {
            "delete": operation(
                "Remove a secret",
                "remove_secret",
                [owner, secret_id],
                {204: Good("nothing", "It signs nothing any more.")},
                ("unknown_secret", *asked),
            )
        },
    }


EXAMPLE = {"owner": {"summary": "A secret of an owner", "value": msgspec.to_builtins(NewSecret("risk-desk"))}}
