"""`python -m calc [PART OF]`: compile what the kinds need, once; the machine code is kept beside the kernels.

`python -m calc 1 2` and `python -m calc 2 2` do a half each, side by side.
"""

import sys

from calc import KINDS, execute


def main(part: int = 1, of: int = 1) -> None:
    """Compile what every `of`th kind needs."""
    execute.warm(list(KINDS)[part - 1 :: of])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
