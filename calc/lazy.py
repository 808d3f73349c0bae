"""Modules that are loaded when they are first used: who only plans never pays for a compiler or a solver."""

import importlib.util
import sys
from types import ModuleType


def module(name: str) -> ModuleType:
    """The module of that name, executed at the first look at one of its members. Raises ModuleNotFoundError at once."""
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    spec.loader = importlib.util.LazyLoader(spec.loader)
    found = importlib.util.module_from_spec(spec)
    sys.modules[name] = found
    spec.loader.exec_module(found)
    return found
