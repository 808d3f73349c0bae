"""HEADRACE_DURABLE=always is a promise that the store must keep: /ready looks at its configuration."""

from deploy.prove import store_fault, store_lines
from pipeline.settings import Settings
from pipeline.store import Store
from tests.gateway.house import House, problem
from tests.servers import Server


def always(server: Server) -> House:
    return House(server, durable="always")


def test_a_store_that_does_not_is_not_ready(own_server: Server) -> None:
    """What is wrong, and how it is mended; then it is ready without another start."""

    async def story(h: House) -> None:
        with own_server.client() as client:
            for name, value, right in (("appendfsync", "everysec", "always"), ("appendonly", "no", "yes")):
                client.config_set("appendfsync", "always")
                client.config_set(name, value)
                said = problem(await h.get("/ready"), 503, "not_ready")["wrong"]
                (wrong,) = said  # type: ignore[misc]
                assert f"{name} is {value}, but HEADRACE_DURABLE=always needs {right}" in wrong
                assert f"CONFIG SET {name} {right}" in wrong
                assert wrong in store_fault(Store(h.settings), h.settings)
                client.config_set(name, right)
        assert (await h.get("/ready")).json()["warnings"] == []
        assert store_lines(Store(h.settings), h.settings) == []

    always(own_server).tell(story)


def test_everysec_asks_for_nothing(own_server: Server) -> None:
    """What is stricter than asked for is fine, too."""

    async def story(h: House) -> None:
        with own_server.client() as client:
            for value in ("everysec", "always"):
                client.config_set("appendfsync", value)
                assert (await h.get("/ready")).json()["warnings"] == []

    House(own_server).tell(story)


def test_a_store_that_does_not_let_us_look_is_a_warning(own_server: Server) -> None:
    """An ACL without CONFIG: it can be used, but nobody vouches for it."""

    async def story(h: House) -> None:
        answer = await h.get("/ready")
        assert answer.status_code == 200
        (warning,) = answer.json()["warnings"]
        assert "cannot be checked, because the store refuses CONFIG GET" in warning
        assert "appendfsync always" in warning
        (line,) = store_lines(Store(h.settings), h.settings)
        assert line == f"warning: {warning}"
        assert store_fault(Store(h.settings), h.settings) == ""

    with own_server.client() as client:
        client.execute_command("ACL", "SETUSER", "narrow", "on", ">secret", "~*", "&*", "+@all", "-config")
    House(own_server, durable="always", redis_url=f"redis://narrow:secret@127.0.0.1:{own_server.port}/0").tell(story)


def test_only_two_words_are_a_setting() -> None:
    """The default is everysec."""
    assert Settings().durable == "everysec"
