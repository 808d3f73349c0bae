"""One family of contests: `python -m bench.anchors options 3` prints a line of JSON a contest, with its scores."""

import importlib
import json
import sys
from dataclasses import asdict

from bench.anchors.contest import fight


def main(family: str, repetitions: int = 3, size: float = 1.0) -> None:
    """A turn that is not counted, then the others."""
    for contest in importlib.import_module(f"bench.anchors.{family}").contests(size):
        fight(contest)
        scores = [asdict(fight(contest)) for _ in range(repetitions)]
        told = {name: getattr(contest, name) for name in ("kind", "what", "anchor", "goal", "work", "goal_per_s")}
        print(json.dumps({**told, "scores": scores}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], *(int(word) for word in sys.argv[2:3]), *(float(word) for word in sys.argv[3:4]))
