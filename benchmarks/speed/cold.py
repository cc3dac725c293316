"""A training in a process of its own, as a person sees it: from the interpreter's start to a fitted model.

`.venv/bin/python benchmarks/speed/cold.py ROWS.npz CACHE SETTINGS`: SETTINGS as JSON.
"""

import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


def main(file: str, cache: str, settings: str) -> None:
    """Train once, with compiled programs kept in `cache`."""
    from mlplatform.train import compile_cache

    compile_cache.enable(Path(cache))
    from benchmarks.speed.ours import Ours

    with np.load(file) as stored:
        ours = Ours({name: stored[name] for name in stored.files})
    print(json.dumps(ours.train(json.loads(settings))))


if __name__ == "__main__":
    main(*sys.argv[1:])
