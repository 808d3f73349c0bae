"""Who carries a verb to Redis, and waits: for consumers, tools and tests. (The gateways have async_store.py.)

One connection, no automatic retry: after an error nothing is known, the caller is told StoreAway and decides.
`Bell` is the second connection of a consumer: it sleeps in a blocking read that a selector watches.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.exceptions import (
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TryAgainError,
)
from redis.retry import Retry

from pipeline import legible, log, script, verbs
from pipeline.errors import PipelineError, StoreAway
from pipeline.keys import Keys
from pipeline.settings import Settings
from pipeline.verbs import Call

T = TypeVar("T")

# A script call may block its caller for this long and no longer: so much a time limit can be late.
ANSWER_S = 4.0
BLOCK_MS = 2000
# Redis cannot be used now but will be again: away, loading, full, failing over, unable to write its file, busy with
# somebody's script, or not letting us in for a while.
_AWAY = (
    redis.ConnectionError,
    redis.TimeoutError,
    OSError,
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    TryAgainError,
)
_AWAY_WORDS = ("MISCONF", "NOREPLICAS", "UNBLOCKED", "OOM ", "BUSY ", "SCRIPT KILL")


def connection_pool(settings: Settings, role: str, module: Any = redis, answer_s: float | None = ANSWER_S) -> Any:
    """Connections by the URL of the settings: RESP2, no retry, named for CLIENT LIST."""
    retry = module.retry.Retry if module is not redis else Retry
    return module.ConnectionPool.from_url(
        settings.redis_url,
        protocol=2,
        retry=retry(NoBackoff(), 0),
        socket_timeout=answer_s,
        socket_connect_timeout=ANSWER_S,
        client_name=role,
        driver_info=None,
    )


def packed(call: Call[Any], prefix: str) -> tuple[Any, ...]:
    """A verb as the words of one Redis command."""
    return ("EVALSHA", script.load(call.script).sha, 1, prefix, *call.words)


def is_of_another_type(reply: Any) -> bool:
    """Whether a key of ours was found to hold what no script has put there."""
    return isinstance(reply, ResponseError) and "WRONGTYPE" in str(reply)


def healing(call: Call[Any], prefix: str) -> tuple[Any, ...]:
    """The verb once more, as words that take away what a hand has put in a key's place."""
    if log.is_configured():
        log.get().warning("store.healed", detail=f"{call.script} met a key that held another type")
    return ("EVAL", script.healing(call.script), 1, prefix, *call.words)


def understood(error: Exception) -> PipelineError:
    """What an error of the Redis client means in our words."""
    text = str(error)
    if isinstance(error, _AWAY) or any(word in text for word in _AWAY_WORDS):
        return StoreAway(text or type(error).__name__)
    return PipelineError(text)


def refused(error: Exception) -> PipelineError:
    """The same of a command as typed: one that an ACL forbids is refused for good, the store is there."""
    return PipelineError(str(error)) if isinstance(error, NoPermissionError) else understood(error)


class Store:
    """Carries verbs over one connection. Not for use by two threads."""

    def __init__(self, settings: Settings, role: str = "headrace") -> None:
        self.keys = Keys(settings.prefix)
        self._connection = connection_pool(settings, role).make_connection()

    def do(self, call: Call[T]) -> T:
        """Carry one verb. Raises StoreAway when nothing is known of what was done."""
        return self.do_all([call])[0]  # type: ignore[no-any-return]

    def do_all(self, calls: Sequence[Call[Any]]) -> list[Any]:
        """Carry several verbs, in order, in one round trip."""
        replies = self._exchange([packed(call, self.keys.prefix) for call in calls])
        for i, reply in enumerate(replies):
            if isinstance(reply, NoScriptError):
                self._load(calls[i])
                reply = self._exchange([packed(calls[i], self.keys.prefix)])[0]
            if isinstance(reply, ResponseError) and "NOGROUP" in str(reply) and calls[i].again:
                self.do(verbs.ready())
                reply = self._exchange([packed(calls[i], self.keys.prefix)])[0]
            if is_of_another_type(reply):
                reply = self._exchange([healing(calls[i], self.keys.prefix)])[0]
            if isinstance(reply, ResponseError):
                # A group that is gone comes back with `ready`: to the caller it is a store that was away.
                raise StoreAway(str(reply)) if "NOGROUP" in str(reply) else understood(reply)
            replies[i] = legible.answer(calls[i].script, calls[i].read, reply)
        return replies

    def raw(self, *words: str) -> Any:
        """The reply to one Redis command as typed, for tools that show the store as it is."""
        return self.raw_all([words])[0]

    def raw_all(self, commands: Sequence[tuple[str, ...]]) -> list[Any]:
        """The replies to several commands, in one round trip."""
        replies = self._exchange(commands)
        for reply in replies:
            if isinstance(reply, ResponseError):
                raise refused(reply)
        return replies

    def close(self) -> None:
        """Close the connection; the next verb opens another."""
        self._connection.disconnect()

    def _load(self, call: Call[Any]) -> None:
        self._exchange([("SCRIPT", "LOAD", script.load(call.script).source)])

    def _exchange(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        try:
            self._connection.send_packed_command(self._connection.pack_commands(commands), check_health=False)
            return [self._reply() for _ in commands]
        except (redis.RedisError, OSError) as error:
            self._connection.disconnect()  # a half-read exchange must not be read by the next one
            raise understood(error) from error

    def _reply(self) -> Any:
        try:
            return self._connection.read_response()
        except (BusyLoadingError, ReadOnlyError):
            raise
        except ResponseError as error:
            return error


class Bell:
    """The blocking read of a consumer with nothing to do: it rings when something was put.

    Give `fileno()` to the selector after `wait`; when it is readable, ask `heard()`.
    """

    def __init__(self, settings: Settings, role: str = "headrace") -> None:
        self._streams = Keys(settings.prefix).streams()
        self._connection = connection_pool(settings, role, answer_s=BLOCK_MS / 1000 + 3).make_connection()

    def wait(self, wake_ids: Sequence[str]) -> None:
        """Sleep on the streams from the ids that `take` answered; comes back by itself after BLOCK_MS."""
        words = ("XREAD", "COUNT", 1, "BLOCK", BLOCK_MS, "STREAMS", *self._streams, *wake_ids)
        try:
            self._connection.send_command(*words, check_health=False)
        except (redis.RedisError, OSError) as error:
            self._connection.disconnect()
            raise understood(error) from error

    def fileno(self) -> int:
        """The socket's descriptor, for a selector; another one after a reconnect."""
        return self._connection._sock.fileno()  # type: ignore[no-any-return]

    def heard(self) -> bool:
        """Read the answer: True when something was put, False when the time was up."""
        try:
            return self._connection.read_response() is not None
        except (redis.RedisError, OSError) as error:
            self._connection.disconnect()
            raise understood(error) from error

    def close(self) -> None:
        """Close the connection; `wait` opens another."""
        self._connection.disconnect()
