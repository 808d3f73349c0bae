"""How a kernel is compiled: one set of flags for all, machine code kept on disk, the same bits on every processor.

    @kernel     a function that Python calls
    @inline     a piece that stands within its callers' loops, so that these use the processor's vectors

`nsz` and `contract` alone of the fast-math flags: sums keep their order and checks for NaN their sense, so code for
AVX2 and for AVX-512 gives the same bits (a sum that is to be fast has its lanes spelt out: calc/kernels/lanes.py).
`error_model="numpy"`: a division by zero gives an infinity or NaN, as in numpy.

numba keeps machine code by the file of the outermost function, and would not see a change in what is inlined from
another file; so the code is kept under the text of all kernels together.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit, types
from numba.core.caching import CacheImpl, InTreeCacheLocator
from numba.extending import intrinsic

Function = TypeVar("Function", bound=Callable[..., Any])

_OPTIONS: dict[str, Any] = {"cache": True, "fastmath": {"nsz", "contract"}, "error_model": "numpy"}


def _text_of_all_kernels() -> str:
    """SHA-256 of this room's sources."""
    whole = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        whole.update(path.read_bytes())
    return whole.hexdigest()


_TEXT = _text_of_all_kernels()


def kernel(function: Function) -> Function:
    """Compile at the first call, for the types of that call's arguments."""
    return cast(Function, _kept(njit(**_OPTIONS)(function)))


def inline(function: Function) -> Function:
    """As `kernel`, and LLVM puts it into its callers."""
    return cast(Function, _kept(njit(forceinline=True, **_OPTIONS)(function)))


class _Installed(InTreeCacheLocator):
    """Machine code beside the kernels where nobody may write, as in a container: it is read, and nothing is added."""

    def ensure_cache_path(self) -> None:
        path: str = self.get_cache_path()  # type: ignore[no-untyped-call]
        if not Path(path).is_dir():
            raise OSError


CacheImpl._locator_classes.insert(CacheImpl._locator_classes.index(InTreeCacheLocator) + 1, _Installed)


def _kept(dispatcher: Any) -> Any:
    """Machine code is good while its own file and all kernels are what they were."""
    cache = dispatcher._cache
    cache._cache_file._source_stamp = (cache._cache_file._source_stamp, _TEXT)
    if isinstance(cache._impl.locator, _Installed):
        cache._cache_file.save = _not_kept
    return dispatcher


def _not_kept(*_: object) -> None:
    """What is compiled where nobody may write is compiled again the next time."""


@intrinsic
def _fma(context: Any, a: Any, b: Any, c: Any) -> Any:
    """a · b + c, rounded once."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), code


# For use in kernels only, as is what `polynomial` gives.
fma = cast(Callable[[float, float, float], float], _fma)


def polynomial(*coefficients: float) -> Callable[[float], float]:
    """The function c₀ + c₁ x + c₂ x² + …, by Horner's rule, each step rounded once."""

    @intrinsic
    def horner(context: Any, x: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            constants = [context.get_constant(types.float64, each) for each in coefficients]
            value = constants.pop()
            while constants:
                value = builder.fma(value, arguments[0], constants.pop())
            return value

        return types.float64(types.float64), code

    return cast(Callable[[float], float], horner)
