"""Webhooks: what is owed, what was given up, delivering once more, and the secrets that sign.

GET  /webhooks?state=given_up            POST /webhooks/{id}/redeliver
GET  /webhook-secrets                    POST /webhook-secrets            DELETE /webhook-secrets/{owner}/{secret_id}
"""

from typing import Annotated, cast

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway import answers, hooks, queries, short_bodies
from gateway.desk import Desk
from gateway.problems import Problem
from gateway.shapes import WebhookAnswer
from pipeline import log, webhooks
from pipeline.apikeys import HOME, OWNER
from pipeline.webhooks import Delivery, DeliveryState

LOG = log.get()
LISTED: tuple[DeliveryState, ...] = ("pending", "given_up")
CREATED = 201
MOST = 200


class DeliveryAnswer(Struct, frozen=True, kw_only=True):
    """A delivery: of what, and how it goes. `id` is the webhook-id: that of the task or batch."""

    id: str
    owner: str
    type: str
    ended_at: str
    webhook: WebhookAnswer


class DeliveryList(Struct, frozen=True):
    """Deliveries that are owed, the next first, or that were given up, the latest first; 200 at most."""

    deliveries: list[DeliveryAnswer]


class NewSecret(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a new secret: whose deliveries it signs."""

    owner: Annotated[str, Meta(pattern=f"^{OWNER.pattern}$", description="Whose deliveries it signs.")] = HOME


class SecretAnswer(Struct, frozen=True):
    """A secret that signs; its text is never shown again."""

    owner: str
    secret_id: str
    created_at: str


class SecretMade(Struct, frozen=True):
    """A new secret, shown this once. The one before it signs as well, until it is removed or the next one is made."""

    owner: str
    secret_id: str
    secret: str


class SecretList(Struct, frozen=True):
    """The secrets of all owners, of each the newest first."""

    secrets: list[SecretAnswer]


async def index(request: Request) -> Response:
    """GET /webhooks: deliveries of this owner."""
    desk: Desk = request.app.state.desk
    state = cast(DeliveryState, queries.choice(queries.only(request, ("state",)), "state", LISTED))
    found = await desk.store.do(webhooks.deliveries(state, request.state.caller.scope, MOST))
    return answers.body(DeliveryList([_told(each) for each in found]))


async def look(request: Request) -> Response:
    """GET /webhooks/{id}: the delivery of a task or batch."""
    desk: Desk = request.app.state.desk
    queries.only(request, ())
    return answers.body(_told(await _found(request, desk)))


async def redeliver(request: Request) -> Response:
    """POST /webhooks/{id}/redeliver: once more, now and from the first attempt on, with the same webhook-id."""
    desk: Desk = request.app.state.desk
    queries.only(request, ())
    delivery = await _found(request, desk)
    by, request_id = request.state.caller.name, request.state.request_id
    await desk.store.do(webhooks.redeliver(delivery.id, by, request_id))
    LOG.info("webhook.redelivered", task_id=delivery.id, by=by, request_id=request_id)
    return answers.body(_told(await _found(request, desk)), status=answers.ACCEPTED)


async def secrets(request: Request) -> Response:
    """GET /webhook-secrets: which there are."""
    desk: Desk = request.app.state.desk
    queries.only(request, ())
    kept = await desk.store.do(webhooks.secrets_of())
    told = [SecretAnswer(owner, s.id, answers.time_text(s.created_at)) for owner in sorted(kept) for s in kept[owner]]
    return answers.body(SecretList(told))


async def make_secret(request: Request) -> Response:
    """POST /webhook-secrets: a new one, which from now on signs beside the one before."""
    desk: Desk = request.app.state.desk
    queries.only(request, ())
    owner = (await short_bodies.read(request, NewSecret)).owner
    id, text = webhooks.make_secret()
    by, request_id = request.state.caller.name, request.state.request_id
    await desk.store.do(webhooks.keep_secret(owner, id, text, by, request_id))
    LOG.warning("webhook_secret.made", owner=owner, secret_id=id, by=by, request_id=request_id)
    return answers.body(SecretMade(owner, id, text), status=CREATED)


async def remove_secret(request: Request) -> Response:
    """DELETE /webhook-secrets/{owner}/{secret_id}: it signs nothing any more."""
    desk: Desk = request.app.state.desk
    queries.only(request, ())
    owner, id = request.path_params["owner"], request.path_params["secret_id"]
    by, request_id = request.state.caller.name, request.state.request_id
    if not OWNER.fullmatch(owner) or not await desk.store.do(webhooks.remove_secret(owner, id, by, request_id)):
        raise Problem("unknown_secret", "There is no secret with this owner and id (any more).")
    LOG.warning("webhook_secret.removed", owner=owner, secret_id=id, by=by, request_id=request_id)
    return Response(status_code=answers.NO_CONTENT)


ROUTES = [
    Route("/webhooks", index, methods=["GET"]),
    Route("/webhooks/{id}", look, methods=["GET"]),
    Route("/webhooks/{id}/redeliver", redeliver, methods=["POST"]),
    Route("/webhook-secrets", secrets, methods=["GET"]),
    Route("/webhook-secrets", make_secret, methods=["POST"]),
    Route("/webhook-secrets/{owner}/{secret_id}", remove_secret, methods=["DELETE"]),
]


async def _found(request: Request, desk: Desk) -> Delivery:
    id: str = request.path_params["id"]
    delivery = await desk.store.do(webhooks.delivery(id)) if queries.TASK_ID.fullmatch(id) else None
    if delivery is None or not request.state.caller.sees(delivery.owner):
        raise Problem("unknown_delivery", "Nothing is or was owed to a webhook for a task or batch of this id.")
    return delivery


def _told(delivery: Delivery) -> DeliveryAnswer:
    return DeliveryAnswer(
        id=delivery.id,
        owner=delivery.owner,
        type=delivery.type,
        ended_at=answers.time_text(delivery.ended_at),
        webhook=hooks.of(delivery),
    )
