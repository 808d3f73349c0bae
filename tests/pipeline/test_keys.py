"""Keys: spelt once, the same on both sides."""

from pipeline import script
from pipeline.keys import KEYS, PLACES, Keys, lua_names
from tests.servers import Server

PIECES = {
    "place": "high:again",
    "id": "T1",
    "priority": "low",
    "owner": "o",
    "state": "queued",
    "kind": "k",
    "batch": "B",
}
PIECES |= {"code": "c", "name": "n", "key": "x", "minute": "202611251200"}


def test_lua_and_python_spell_the_same(any_server: Server) -> None:
    keys = Keys("{p}")
    source = " ".join(f"K.{key.name}" for key in KEYS)
    with any_server.client() as plain:
        for key in KEYS:
            variables = [piece.split(">")[0] for piece in key.pattern.split("<")[1:]]
            given = [PIECES[name] for name in variables]
            arguments = ", ".join(f"'{piece}'" for piece in given)
            body = f"local P = KEYS[1]\n{lua_names(source)}return K.{key.name}" + (
                f"({arguments})" if variables else ""
            )
            assert plain.eval(body, 1, "{p}") == keys(key.name, *given)


def test_a_script_names_only_the_keys_it_uses() -> None:
    assert "K.minute" not in script.load("renew").source
    assert "K.jobs = function(place)" in script.load("renew").source


def test_streams_are_read_again_first() -> None:
    assert PLACES == ("high:again", "high", "medium:again", "medium", "low:again", "low")
    assert Keys().streams()[0] == "{headrace}:jobs:high:again"


def test_permanent_keys_are_the_listed_ones() -> None:
    keys = Keys()
    assert keys.is_permanent("{headrace}:jobs:low")
    assert keys.is_permanent("{headrace}:index:state:failed")
    assert not keys.is_permanent("{headrace}:task:T1")
    assert not keys.is_permanent("{headrace}:task:T1:partials")
    assert not keys.is_permanent("{headrace}:same:local:abc")
