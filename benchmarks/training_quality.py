"""How good our models are on real tables, beside LightGBM's own: tuned alike on validation rows, tested once.

`nice .venv/bin/python benchmarks/training_quality.py [--tables NAME …] [--contenders NAME …] [--trials N]`: hours
for all tables on two cores, LightGBM's part four minutes. Each contender on each table is kept when it is done, so
that the same command goes on after it was stopped; `--again` measures anew, `--report` only sums up what is kept.
The tables must be installed: benchmarks/tables/README.md.
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.quality import report  # noqa: E402 - after the path
from benchmarks.quality.contender import Problem  # noqa: E402 - after the path
from benchmarks.quality.contenders import CONTENDERS, PER_TRIAL  # noqa: E402 - after the path
from benchmarks.quality.study import study  # noqa: E402 - after the path
from benchmarks.tables import TABLES  # noqa: E402 - after the path

RESULTS = ROOT / "benchmarks" / "results" / "training_quality.json"
TRIALS = 8
SEEDS = {"adult": 5}  # Elsewhere 3: figures of one seed say too little, and time is short.
OTHER_SEEDS = 3
VERSIONS = ("jax", "lightgbm", "optax", "optuna", "scikit-learn")


def kept() -> dict[str, dict[str, Any]]:
    """Return what earlier calls measured, by table and contender."""
    if not RESULTS.exists():
        return {}
    return dict(json.loads(RESULTS.read_text(encoding="utf-8"))["tables"])


def keep(found: Mapping[str, Mapping[str, Any]]) -> None:
    """Write all that is measured so far, whole or not at all."""
    result = {
        "command": "benchmarks/training_quality.py",
        "machine": f"{os.cpu_count()} CPUs, Python {platform.python_version()}",
        "versions": {name: metadata.version(name) for name in VERSIONS},
        "summary": report.summary(found),
        "tables": found,
    }
    new = RESULTS.with_suffix(".new")
    new.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    new.replace(RESULTS)


def main(asked: argparse.Namespace) -> None:
    """Measure what is not kept yet, printing each as it comes, then all of it."""
    for table in [] if asked.report else asked.tables:
        problem = Problem(TABLES[table], TABLES[table].load())
        for name in asked.contenders:
            here = kept().get(table, {})
            if here.get(name, {}).get("trials") == asked.trials and not asked.again:
                continue
            trials = asked.trials if name in PER_TRIAL else 0
            seeds = asked.seeds or SEEDS.get(table, OTHER_SEEDS)
            one = study(CONTENDERS[name](here), problem, trials, seeds) | {"trials": asked.trials}
            found = kept()  # Anew: another call may have measured another table meanwhile.
            found.setdefault(table, {})[name] = one
            keep(found)
            print(f"{table:9s} {name:9s} {report.line(one['test'])}", flush=True)
    if asked.report:
        keep(kept())
    print(report.text(kept()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", default=list(TABLES), choices=list(TABLES))
    parser.add_argument(
        "--contenders", nargs="+", default=list(CONTENDERS), choices=list(CONTENDERS)
    )
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--seeds", type=int, default=0, help="of the best settings; 0: 5 or 3")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--report", action="store_true")
    main(parser.parse_args())
