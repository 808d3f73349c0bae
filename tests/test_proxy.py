"""Each fault that the proxy can make, seen by plain Redis clients before a real server."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.proxy import Proxy
from tests.servers import Server, binaries

LIMIT_S = 20.0
ONCE = Retry(NoBackoff(), 0)


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    """A healthy proxy before a store that is empty."""
    with server.client() as client:
        client.flushall()
    with Proxy(server.port) as proxy:
        yield proxy


def through(proxy: Proxy, limit_s: float = LIMIT_S) -> redis.Redis:
    """A client that tries once."""
    return redis.Redis(port=proxy.port, protocol=2, decode_responses=True, socket_timeout=limit_s, retry=ONCE)


def test_it_carries_small_and_large(proxy: Proxy) -> None:
    with through(proxy) as client:
        client.set("large", "x" * 5_000_000)
        assert client.strlen("large") == 5_000_000
        assert len(str(client.get("large"))) == 5_000_000
    assert redis.Redis.from_url(proxy.url).ping()


def test_a_delay_is_paid_each_way(proxy: Proxy) -> None:
    with through(proxy) as client:
        client.ping()
        proxy.delay(0.2)
        begin = time.monotonic()
        client.ping()
        assert time.monotonic() - begin >= 0.4
        proxy.heal()


@pytest.mark.parametrize("reset", [False, True])
def test_a_cut_closes_what_stands_and_nothing_else(proxy: Proxy, reset: bool) -> None:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=LIMIT_S) as plain:
        plain.sendall(b"PING\r\n")
        assert plain.recv(100) == b"+PONG\r\n"
        assert proxy.cut_all(reset=reset) == 1
        if reset:
            with pytest.raises(ConnectionResetError):
                plain.recv(100)
        else:
            assert plain.recv(100) == b""
    assert proxy.connections == 0
    assert through(proxy).ping()


def test_refused_until_it_accepts_again_on_the_same_port(proxy: Proxy) -> None:
    with through(proxy) as stands:
        assert stands.ping()
        proxy.refuse()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", proxy.port), timeout=LIMIT_S)
        assert stands.ping(), "what stands goes on"
        proxy.heal()
        assert through(proxy).ping()


def test_a_lost_reply_has_taken_effect(proxy: Proxy, server: Server) -> None:
    proxy.cut_before_reply(1.0)
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=LIMIT_S) as plain:
        plain.sendall(b"INCR count\r\n")
        assert plain.recv(100) == b""
    with server.client() as client:
        assert client.get("count") == "1"
    assert proxy.lost_replies == 1


def test_the_share_of_lost_replies_comes_from_the_seed(proxy: Proxy) -> None:
    seen = []
    for seed in (7, 7, 8):
        proxy.cut_before_reply(0.3, seed)
        seen.append([_answered(proxy) for _ in range(40)])
    assert seen[0] == seen[1] != seen[2]
    assert 3 < seen[0].count(False) < 25


def _answered(proxy: Proxy) -> bool:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=LIMIT_S) as plain:
        plain.sendall(b"PING\r\n")
        return plain.recv(100) == b"+PONG\r\n"


def test_a_black_hole_towards_the_client_takes_effect_and_stays_silent(proxy: Proxy, server: Server) -> None:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=0.5) as plain:
        proxy.black_hole(to_server=False)
        plain.sendall(b"INCR count\r\n")
        with pytest.raises(TimeoutError):
            plain.recv(100)
        with server.client() as client:
            assert client.get("count") == "1"
        proxy.heal()
        plain.sendall(b"PING\r\n")
        with pytest.raises(TimeoutError):  # never the second reply for the first request
            plain.recv(100)
        assert through(proxy).ping(), "a new connection is whole"


def test_a_black_hole_towards_the_server_takes_no_effect(proxy: Proxy, server: Server) -> None:
    proxy.black_hole(to_client=False)
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=0.5) as plain:
        plain.sendall(b"INCR count\r\n")
        with pytest.raises(TimeoutError):
            plain.recv(100)
    with server.client() as client:
        assert client.get("count") is None


def test_a_store_that_is_away_closes_the_connection_and_comes_back(tmp_path: Path) -> None:
    own = Server(tmp_path, binaries()["valkey"]).start()
    with Proxy(own.port) as proxy:
        assert through(proxy).ping()
        own.kill()
        with pytest.raises(redis.ConnectionError):
            through(proxy).ping()
        own.start()
        assert through(proxy).ping()
    own.kill()


def test_it_ends_with_everything_it_began(server: Server) -> None:
    before = threading.active_count()
    with Proxy(server.port) as proxy:
        clients = [through(proxy) for _ in range(50)]
        assert all(client.ping() for client in clients)
        proxy.black_hole()
        assert proxy.connections == 50
        clients[0].close()
    assert (proxy.connections, threading.active_count()) == (0, before)
    assert all(each.fileno() == -1 for each in (proxy._listener,))
    for client in clients:
        client.close()
