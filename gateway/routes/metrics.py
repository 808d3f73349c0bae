"""GET /metrics: for Prometheus, on the gateway's own port; nginx passes nobody through to it."""

from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from calc import execute
from gateway.desk import Desk
from pipeline.errors import StoreAway

PROCESS = CollectorRegistry(auto_describe=False)
ProcessCollector(registry=PROCESS)


class _These(Collector):
    """Families of metrics that are there already."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """They."""
        return iter(self._families)


async def metrics(request: Request) -> Response:
    """What this gateway has counted; and, when it is the elected one, the figures of the whole pipeline."""
    desk: Desk = request.app.state.desk
    try:
        of_all = await desk.exporter.metrics(list(execute.kinds()))
    except StoreAway:
        of_all = []  # this process can be asked all the same
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_These([*desk.figures.collect(desk.tail.waiting), *of_all]))
    return Response(generate_latest(registry) + generate_latest(PROCESS), media_type=CONTENT_TYPE_LATEST)


ROUTES = [("/metrics", metrics)]
