"""How fast every metric of every slice has bounds, beside drawing the rows again and again.

`.venv/bin/python benchmarks/evaluation_speed.py [ROWS] [REPETITIONS]`: some three minutes for 1,000,000
rows, three times. Timed is what `evaluate` does once a model has answered: observed metrics and bounds;
finding weak slices; and all of that for a candidate and a champion. Making rows and answers is not.

The plain bootstrap draws rows, with scikit-learn's metrics and with ours. A thousand replicates of ten
slices would take hours, so a few of all rows are timed, in this process, and multiplied: by the
replicates, and by the rows of all slices together over all rows. That its bounds are the same is shown on
fewer rows, where it is run whole.
"""

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from mlplatform.evaluate.intervals import intervals  # noqa: E402 - after the path
from mlplatform.evaluate.metrics import binary  # noqa: E402 - after the path
from mlplatform.evaluate.slices import Slice, slices_of, table_of  # noqa: E402 - after the path
from mlplatform.evaluate.weak_slices import WeakSlice, losses, weak_slices  # noqa: E402 - after the path
from mlplatform.features.predicts import Predicts  # noqa: E402 - after the path
from mlplatform.statistics.replicates import REPLICATES  # noqa: E402 - after the path

RESULTS = ROOT / "benchmarks" / "results" / "evaluation_speed.json"
TIMED = 3  # Replicates of the plain bootstrap, of all rows.
CENSUS = 16_281  # Rows of the census test split.
WHOLE = 5_000  # Rows that the plain bootstrap is run whole on.
SLICES = 10
RANKED = ("auc", "average_precision", "log_loss", "brier")
SHARES = ("accuracy", "precision", "recall", "f1")
RACES = ("White", "Black", "Asian-Pac-Islander", "Amer-Indian-Eskimo", "Other")


def people(rows: int) -> tuple[pa.Table, np.ndarray, np.ndarray]:
    """Return rows of 14 columns as those of the census, labels, and a model's answers."""
    rng = np.random.default_rng(7)
    columns: dict[str, Any] = {f"number_{k}": rng.normal(40 * k, 10, rows) for k in range(4)}
    columns |= {"age": rng.integers(17, 90, rows), "hours": rng.integers(1, 99, rows)}
    for width in (3, 5, 7, 9, 14, 40):
        names = pa.array([f"value {k}" for k in range(width)])
        columns[f"text_{width}"] = names.take(pa.array(rng.integers(0, width, rows)))
    columns["sex"] = pa.array(("Female", "Male")).take(pa.array(rng.integers(0, 2, rows)))
    shares = (0.5, 0.2, 0.12, 0.1, 0.08)
    columns["race"] = pa.array(RACES).take(pa.array(rng.choice(5, rows, p=shares)))
    score = rng.beta(0.6, 1.8, rows).astype(np.float32)
    weak = (columns["age"] < 24) & (np.asarray(columns["sex"]) == "Male")
    truth = rng.random(rows) < np.where(weak, 0.5, score)
    return pa.table(columns), truth.astype(np.int64), score


def seconds(work: Callable[[], object], times: int) -> dict[str, list[float]]:
    """Return what each time took, the first, which warms up, not among them: by the clock, and of the processors."""
    work()
    taken: dict[str, list[float]] = {"wall": [], "cpu": []}
    for _ in range(times):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        taken["wall"].append(round(time.perf_counter() - wall, 3))
        taken["cpu"].append(round(time.process_time() - cpu, 3))
    return taken


def by_sklearn(truth: np.ndarray, score: np.ndarray) -> dict[str, float]:
    """Return the same ten metrics as most people compute them; the last by hand, there is none."""
    from sklearn import metrics

    said, bin_of = score >= 1 / 2, np.minimum((score * 10).astype(int), 9)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        truth, said, average="binary", zero_division=0
    )
    return {
        "accuracy": metrics.accuracy_score(truth, said),
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "auc": metrics.roc_auc_score(truth, score),
        "average_precision": metrics.average_precision_score(truth, score),
        "log_loss": metrics.log_loss(truth, score),
        "brier": metrics.brier_score_loss(truth, score),
        "selection_rate": float(said.mean()),
        "calibration_error": float(np.abs(np.bincount(bin_of, score - truth)).sum() / len(score)),
    }


def of_replicate(of: Callable[..., object], truth: np.ndarray, score: np.ndarray) -> float:
    """Return processor seconds of one replicate of all rows: drawing them, and their metrics."""
    rng = np.random.default_rng(0)

    def once() -> None:
        again = rng.integers(0, len(truth), len(truth))
        of(truth[again], score[again])

    return statistics.median(seconds(once, TIMED)["cpu"])


def agreement(truth: np.ndarray, score: np.ndarray) -> dict[str, dict[str, list[float]]]:
    """Return bounds of both kinds, of a thousand replicates of rows and ours, on few rows."""
    rng, plain = np.random.default_rng(1), []
    for _ in range(REPLICATES):
        again = rng.integers(0, len(truth), len(truth))
        plain.append(binary(truth[again], score[again]))
    ours = intervals(Predicts(), truth, score)
    found = {}
    for metric in (*SHARES, *RANKED):
        bounds = np.quantile([each[metric] for each in plain], [0.025, 0.975])
        mine = (ours[metric].lower, ours[metric].upper)
        found[metric] = {
            "rows_drawn": [round(float(b), 5) for b in bounds],
            "ours": [round(b, 5) for b in mine],
        }
    return found


def ten_slices(table: pa.Table) -> list[Slice]:
    """Return all rows, both sexes, all races, and the two largest of both together."""
    slices = slices_of(table, ["sex", "race"])
    both = [s for s in slices if s.kind == "intersection"]
    largest = sorted(both, key=lambda s: -len(s.rows if s.rows is not None else ()))
    return [*(s for s in slices if s.kind != "intersection"), *largest][:SLICES]


def measured(rows: int, times: int) -> dict[str, Any]:
    """Return the result."""
    table, truth, score = people(rows)
    ids, predicts = np.arange(rows) * 2654435761, Predicts()
    ten = ten_slices(table)
    sizes = [rows if s.rows is None else len(s.rows) for s in ten]
    found = table_of(ten, truth, score, predicts)
    of_ten = seconds(lambda: table_of(ten, truth, score, predicts), times)

    def weak(many: int = rows) -> list[WeakSlice]:
        loss = losses(predicts, truth[:many], score[:many].astype(np.float64))
        return weak_slices(table.slice(0, many), table.column_names, loss, ids[:many])

    def everything(many: int = rows) -> None:
        slices = slices_of(table.slice(0, many), ["sex", "race"], weak(many))
        for answers in (score[:many], score[:many] ** 2):
            table_of(slices, truth[:many], answers, predicts)

    work = REPLICATES * sum(sizes) / rows
    plain = {
        name: of_replicate(of, truth, score.astype(np.float64))
        for name, of in (("scikit-learn", by_sklearn), ("numpy", binary))
    }
    return {
        "rows": rows, "slices": len(ten), "rows_of_slices": sum(sizes),
        "metrics": len(set(found["metric"].to_pylist())),
        "replicates": REPLICATES,
        "seconds": {
            "ten_slices": of_ten,
            "weak_slices": seconds(weak, times),
            "two_models_all_slices_and_weak_ones": seconds(everything, times),
            f"the_same_of_{CENSUS}_rows": seconds(lambda: everything(CENSUS), times),
        },
        "found_weak": [each.name for each in weak()],
        "plain_bootstrap": {
            name: {
                "cpu_seconds_of_a_replicate_of_all_rows": round(taken, 3),
                "extrapolated_cpu_hours": round(taken * work / 3600, 2),
            }
            for name, taken in plain.items()
        },
        "times_faster_than_scikit_learn_extrapolated": round(
            plain["scikit-learn"] * work / statistics.median(of_ten["cpu"])
        ),
        f"bounds_of_{WHOLE}_rows": agreement(truth[:WHOLE], score[:WHOLE].astype(np.float64)),
    }  # fmt: skip


def main() -> None:
    """Measure, and write the result."""
    rows, times = ([int(word) for word in sys.argv[1:]] + [1_000_000, 3][len(sys.argv) - 1 :])[:2]
    load = os.getloadavg()[0]
    about = {
        "machine": platform.processor() or platform.machine(), "cores": os.cpu_count(),
        "python": platform.python_version(), "numpy": np.__version__, "load_before": round(load, 2),
    }  # fmt: skip
    result = {**about, **measured(rows, times)}
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
