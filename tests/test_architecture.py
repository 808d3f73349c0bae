"""The house, read from its imports and its text: who may know what. A breach names the file and the rule."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("calc", "pipeline", "consumer", "gateway", "webhooks")
# Room → what of ours it may import besides itself. The longest prefix of a module's name decides.
CALC_WORDS = {
    "calc.kind",
    "calc.checks",
    "calc.errors",
    "calc.quantities",
    "calc.positions",
    "calc.covariances",
    "calc.distributions",
    "calc.exact",
}
# Compilers and solvers: a gateway, which only plans, never loads them.
HEAVY = {
    "numba",
    "llvmlite",
    "clarabel",
    "highspy",
    *(f"scipy.{part}" for part in ["linalg", "optimize", "special", "stats"]),
}
MAY_IMPORT = {
    "calc.kernels": set(),
    "calc.lazy": set(),
    "calc.numerics": {"calc.lazy"},
    "calc.kinds": {"calc.numerics", "calc.lazy", *CALC_WORDS},
    "calc": {"calc"},
    "pipeline": set(),
    "consumer.child": {"calc.execute", "calc.errors", "calc.kind", "consumer.wire"},
    "consumer": {"pipeline", "calc.execute"},
    "gateway": {"pipeline", "calc"},
    "webhooks": {"pipeline"},
    "deploy": {"pipeline"},
}


def sources() -> list[Path]:
    return sorted(path for room in (*ROOMS, "deploy") for path in (ROOT / room).rglob("*.py"))


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, as far as it is spelt: `from a import b` gives `a.b`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def longest(name: str, of: set[str] | dict[str, set[str]]) -> str | None:
    fitting = [prefix for prefix in of if name == prefix or name.startswith(prefix + ".")]
    return max(fitting, key=len) if fitting else None


def rule_of(module: str) -> tuple[str, set[str]]:
    prefix = longest(module, MAY_IMPORT)
    assert prefix, f"{module} is in no room"
    return prefix, MAY_IMPORT[prefix]


@pytest.mark.parametrize("path", sources(), ids=module_of)
def test_imports_keep_their_order(path: Path) -> None:
    room, allowed = rule_of(module_of(path))
    for name in imports_of(path):
        if name.split(".")[0] not in (*ROOMS, "deploy"):
            continue
        inside = name == room or name.startswith(room + ".")
        assert inside or longest(name, allowed), (
            f"{module_of(path)} imports {name}: {room} may import {allowed or 'nothing of ours'}"
        )


def test_there_are_no_cycles() -> None:
    modules = {module_of(path): path for path in sources()}
    edges = {
        name: {longest(i, set(modules)) for i in imports_of(path)} - {None, name} for name, path in modules.items()
    }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, f"imports go round: {' → '.join((*trail, name))}"
        if name in done:
            return
        for target in edges[name]:
            # A package's own __init__ is not a step of a cycle: it is entered before its modules.
            if target and not (name + ".").startswith(target + "."):
                visit(target, (*trail, name))
        done.add(name)

    for name in modules:
        visit(name, ())


def test_only_the_stores_use_redis() -> None:
    users = {module_of(path) for path in sources() if longest_root(imports_of(path), {"redis", "hiredis", "valkey"})}
    assert users == {"pipeline.store", "pipeline.async_store"}


def longest_root(names: set[str], roots: set[str]) -> bool:
    return any(name.split(".")[0] in roots for name in names)


def test_only_keys_spells_a_key() -> None:
    """No file but keys.py holds the text of a key; scripts say K.name(…)."""
    text = (ROOT / "pipeline/keys.py").read_text()
    stems = set(re.findall(r'Key\("\w+", "(\w+):', text)) | {"index", "ring"}
    spelt = re.compile(rf"""['"}}]:({"|".join(sorted(stems))})[:'"]""")
    files = [*sources(), *(ROOT / "pipeline/scripts").rglob("*.lua")]
    for path in files:
        if path.name == "keys.py":
            continue
        found = spelt.search(path.read_text())
        assert not found, f"{path.relative_to(ROOT)} spells the key {found[0]}"


def test_only_kernels_know_the_compiler() -> None:
    users = {module_of(path) for path in sources() if longest_root(imports_of(path), {"numba", "llvmlite"})}
    assert users
    assert {user.rpartition(".")[0] for user in users} == {"calc.kernels"}


def test_heavy_libraries_are_loaded_when_they_are_used() -> None:
    """calc/lazy.py loads solvers and kernels at the first use; no import at a module's top does."""
    for path in sources():
        if not module_of(path).startswith("calc.kernels"):
            heavy = longest_root(imports_of(path), {"scipy", *HEAVY})
            assert not heavy, f"{module_of(path)} imports a compiler or a solver"
            assert not any(name.startswith("calc.kernels") for name in imports_of(path)), (
                f"{module_of(path)} imports a kernel: lazy.module does it"
            )


def test_who_plans_loads_no_compiler() -> None:
    program = (
        "import importlib.util, json, sys\n"
        "from calc import KINDS, execute\n"
        "for name, kind in KINDS.items():\n"
        "    execute.plan(name, json.dumps(kind.EXAMPLE).encode(), fresh_seed=1)\n"
        "    execute.schema(name)\n"
        "lazy = importlib.util._LazyModule\n"  # found, and not yet executed
        f"print([name for name in {sorted(HEAVY)} if not isinstance(sys.modules.get(name), (type(None), lazy))])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_environment_is_read_in_one_place() -> None:
    readers = {
        module_of(path) for path in sources() if re.search(r"\bos\.(environ|getenv)\b|\bgetenv\(", path.read_text())
    }
    assert readers <= {"pipeline.settings"}


def test_calc_knows_no_clock_network_or_process() -> None:
    banned = {
        "time",
        "datetime",
        "os",
        "socket",
        "subprocess",
        "multiprocessing",
        "threading",
        "logging",
        "structlog",
        "random",
        "secrets",
    }
    for path in sources():
        if module_of(path).split(".")[0] == "calc":
            used = {name.split(".")[0] for name in imports_of(path)} & banned
            assert not used, f"{module_of(path)} imports {used}"


def test_only_problems_knows_status_codes() -> None:
    for path in sources():
        module = module_of(path)
        if module.split(".")[0] in ("calc", "pipeline", "consumer"):
            assert not longest_root(imports_of(path), {"fastapi", "starlette", "http", "uvicorn"}), (
                f"{module} knows HTTP"
            )


@pytest.mark.parametrize("path", sources(), ids=module_of)
def test_a_file_begins_by_saying_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), f"{path.relative_to(ROOT)} has no docstring"


def test_no_room_for_leftovers() -> None:
    names = {part for path in sources() for part in path.relative_to(ROOT).with_suffix("").parts}
    assert not names & {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "engine"}
