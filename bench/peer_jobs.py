"""The peer's side of the comparison: a do-nothing actor; run as a program it sends PEER_JOBS jobs."""

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

broker = RedisBroker(url=os.environ["PEER_REDIS"])
broker.add_middleware(Results(backend=RedisBackend(url=os.environ["PEER_REDIS"]), result_ttl=3_600_000))
dramatiq.set_broker(broker)


@dramatiq.actor(store_results=True)
def noop(spot: float, strike: float) -> dict[str, float]:
    """Answer what was sent."""
    return {"spot": spot, "strike": strike}


if __name__ == "__main__":
    for _ in range(int(os.environ["PEER_JOBS"])):
        noop.send(100.0, 105.0)
