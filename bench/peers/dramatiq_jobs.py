"""Dramatiq's side: a do-nothing actor whose results are stored for an hour. See bench/peers for what `send` does."""

import os
import sys

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

broker = RedisBroker(url=os.environ["PEER_URL"])
results = RedisBackend(url=os.environ["PEER_RESULTS"])
broker.add_middleware(Results(backend=results, store_results=True, result_ttl=3_600_000))
dramatiq.set_broker(broker)


@dramatiq.actor
def noop(value: int) -> int:
    """Give back the value."""
    return value


def send(count: int) -> None:
    """Send jobs one by one: Dramatiq has no bulk call."""
    print("ready", flush=True)
    sys.stdin.readline()
    last = [noop.send(value) for value in range(count)][-50:]
    print("sent", flush=True)
    sys.stdin.readline()
    values = range(count)[-50:]
    answers = [job.get_result(block=True, timeout=30_000) for job in last]
    print(sum(answer == value for answer, value in zip(answers, values, strict=True)), flush=True)


if __name__ == "__main__":
    send(int(sys.argv[2]))
