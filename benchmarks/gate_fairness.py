"""How often the fairness gate and a plain threshold are wrong about models whose true gap is known.

`nice .venv/bin/python benchmarks/gate_fairness.py [--replicates N]`: eight minutes on one busy core for 2,000. Each
replicate draws test rows of groups that a model is truly as right about, or of which one is 15 points worse off, and
asks the gate itself with a limit of 5 points. Of equal groups a FAIL is wrong; of the planted gap a PASS is.
"""

import argparse
import json
import os
import platform
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from mlplatform.evaluate.fairness import fairness as measure  # noqa: E402 - after the path
from mlplatform.features.predicts import Predicts  # noqa: E402 - after the path
from mlplatform.gates.fairness import fairness as judge  # noqa: E402 - after the path
from mlplatform.spec.performance_gates import FairnessGate  # noqa: E402 - after the path

RESULTS = ROOT / "benchmarks" / "results" / "gate_fairness.json"
REPLICATES = 2_000
SIZES = ((2, 100), (5, 100), (5, 500), (2, 1_000), (10, 1_000))  # Groups, and rows of each.
ACCURACY, PLANTED = 0.9, 0.15  # Of equal groups, and by how much one group's is lower.
LIMIT = 0.05
POLICY = FairnessGate(max_accuracy_gap=LIMIT, max_equalized_odds=None)
MODEL = "candidate"


def drawn(rng: np.random.Generator, groups: int, rows: int, gap: float) -> tuple[Any, Any]:
    """Return rows with a group column, and a model's scores of them."""
    group = np.repeat(np.arange(groups), rows)
    label = rng.integers(0, 2, len(group))
    right = rng.random(len(group)) < np.where(group == 0, ACCURACY - gap, ACCURACY)
    said = np.where(right, label, 1 - label).astype(np.float32)
    scores = {"row_id": np.arange(len(group)), "label": label.astype(np.int8), MODEL: said}
    return pa.table({"group": group}), pa.table(scores)


def simulated(groups: int, rows: int, gap: float, replicates: int) -> dict[str, Any]:
    """Return the shares of the outcomes over replicates."""
    rng = np.random.default_rng([groups, rows, int(gap * 100)])
    outcomes: Counter[str] = Counter()
    over = 0
    for _ in range(replicates):
        table, scores = drawn(rng, groups, rows, gap)
        seen = measure(Predicts("binary"), table, ["group"], scores, MODEL, None, POLICY)
        outcomes[judge(seen, ["group"], POLICY).outcome.value] += 1
        over += (seen.gaps[0].observed or 0.0) > LIMIT
    return {
        "groups": groups,
        "rows_per_group": rows,
        "true_gap": gap,
        "plain_threshold_fails": over / replicates,
        **{
            f"gate_{name}": outcomes[name] / replicates for name in ("fail", "inconclusive", "pass")
        },
    }


def main(asked: argparse.Namespace) -> None:
    """Simulate, print and keep every row of the table."""
    found = []
    for gap in (0.0, PLANTED):
        for groups, rows in SIZES:
            found.append(simulated(groups, rows, gap, asked.replicates))
            print(json.dumps(found[-1]), flush=True)
    result = {
        "command": "benchmarks/gate_fairness.py",
        "machine": f"{os.cpu_count()} CPUs, Python {platform.python_version()}",
        "replicates": asked.replicates,
        "limit": LIMIT,
        "accuracy": ACCURACY,
        "rows": found,
    }
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--replicates", type=int, default=REPLICATES)
    main(arguments.parse_args())
