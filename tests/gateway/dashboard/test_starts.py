"""When consumers and gateways began: noted once each, joined to what one deployment changed."""

from gateway.dashboard.starts import marks
from pipeline import verbs, views
from pipeline.views import Start
from tests.gateway.dashboard.listening import beat
from tests.gateway.house import House


def start(at_s: float, service: str, version: str) -> Start:
    """A start, in seconds."""
    return Start(int(at_s * 1000), service, f"{service}-{at_s}", "h", version)


def texts(*starts: Start, since_s: float = 0) -> list[str]:
    """What is told of them."""
    return [mark.text for mark in marks(starts, int(since_s * 1000), 10**9).marks]


def test_those_of_one_deployment_are_one_mark_that_says_what_changed() -> None:
    first = [start(1, "gateway", "1.0"), start(2, "consumer", "1.0"), start(3, "consumer", "1.0")]
    second = [start(500, "consumer", "1.1"), start(540, "consumer", "1.1"), start(595, "gateway", "1.1")]
    again = [start(900, "consumer", "1.1")]
    assert texts(*again, *second, *first) == [
        "1 gateway and 2 consumers started, version 1.0",
        "1 gateway and 2 consumers started, version 1.0 → 1.1",
        "1 consumer started, version 1.1 as before",
    ]
    assert texts(*first, *second, since_s=100) == ["1 gateway and 2 consumers started, version 1.0 → 1.1"]
    (mark,) = marks(second, 0, 10**9).marks
    assert (mark.at, mark.until) == ("1970-01-01T00:08:20.000Z", "1970-01-01T00:09:55.000Z")
    assert (mark.started, mark.versions, mark.before) == ({"gateway": 1, "consumer": 2}, ["1.1"], [])


def test_versions_that_come_side_by_side_are_both_told() -> None:
    assert texts(start(1, "consumer", "1"), start(400, "consumer", "2"), start(401, "consumer", "1")) == [
        "1 consumer started, version 1",
        "2 consumers started, version 1 → 1 and 2",
    ]


def test_a_start_is_noted_once_and_the_next_one_anew(house: House) -> None:
    """Of a consumer whose heartbeat had expired, and of a gateway that is told of again and again, nothing new."""

    async def story(h: House) -> None:
        await h.get("/system")  # this gateway says that it lives
        await h.get("/system")
        for _ in range(2):
            beat(h, version="7", started_at=5)
            with h.server.client() as hands:
                hands.delete(f"{h.settings.prefix}:consumer:c-1")
        beat(h, version="7", started_at=5)
        assert services(h) == ["gateway", "consumer"]
        beat(h, "c-2", version="8", started_at=6)
        beat(h, "c-2", version="8", started_at=6)
        assert services(h) == ["gateway", "consumer", "consumer"]
        told = (await h.get("/starts")).json()
        (mark,) = told["marks"]
        assert (mark["started"], mark["versions"][-2:]) == ({"gateway": 1, "consumer": 2}, ["7", "8"])
        assert (await h.get("/starts?since_ms=9999999999999")).json()["marks"] == []

    house.tell(story)


def test_a_hand_in_it_costs_the_marks_and_no_heartbeat(house: House) -> None:
    async def story(h: House) -> None:
        await h.get("/system")  # this gateway's start is noted
        with h.server.client() as hands:
            hands.delete(f"{h.settings.prefix}:starts")
            hands.set(f"{h.settings.prefix}:starts", "x")
            beat(h)
            assert [each.name for each in h.store.do(verbs.fleet())] == ["c-1"]
            assert (await h.get("/starts")).json()["marks"] == []
            hands.delete(f"{h.settings.prefix}:starts")
            hands.xadd(f"{h.settings.prefix}:starts", {"service": "consumer"})
            beat(h, "c-2")
        (mark,) = (await h.get("/starts")).json()["marks"]
        assert mark["started"] == {"consumer": 1}

    house.tell(story)


def services(h: House) -> list[str]:
    """What was noted, in order."""
    return [each.service for each in reversed(h.store.do(views.starts()))]
