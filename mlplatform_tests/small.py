"""A small real pipeline: the first rows of UCI Adult, trained for a few seconds."""

import gzip
import shutil
from pathlib import Path
from typing import Any

import yaml

CENSUS = Path(__file__).resolve().parents[1] / "pipelines" / "census_income"
TRAINING_LINES, TEST_LINES = 4000, 2000
# A busy machine decides nothing here, no test waits for samples, and few need a server of their own.
QUICK_LATENCY = {
    "max_p99_ms": 1000,
    "max_served_p99_ms": None,
    "max_slowdown": None,
    "min_samples": 1000,
    "seconds": 0.5,
    "inconclusive": "warn",
}
QUICK_THROUGHPUT = {"min_requests_per_second": None}


def small_pipeline(pipelines: Path, **changes: Any) -> Path:
    """Write `<pipelines>/census_income` and return that folder.

    `changes` are dotted paths with `__` for a dot: `model__epochs=3`.
    """
    folder = pipelines / "census_income"
    (folder / "data").mkdir(parents=True)
    for code in CENSUS.glob("*.py"):
        shutil.copy(code, folder)
    for name, lines in (("adult.data.gz", TRAINING_LINES), ("adult.test.gz", TEST_LINES)):
        with gzip.open(CENSUS / "data" / name, "rt") as whole:
            head = "".join(next(whole) for _ in range(lines))
        (folder / "data" / name).write_bytes(gzip.compress(head.encode(), mtime=0))
    small = {
        "model": {"family": "mlp", "hidden": [32], "epochs": 8, "batch_size": 64},
        "data_gates__row_count__minimum": 1000,
        "model_gates__performance": {"metrics": {"accuracy": {"minimum": 0.78}}},
        "model_gates__fairness": {
            "max_accuracy_gap": 1.0,
            "max_equalized_odds": 1.0,
            "max_increase": None,  # Groups of few rows tell no gap from the champion's.
            "min_rows": 2,
        },
        "model_gates__calibration__max_error": 0.3,
        "model_gates__behaviour__max_flips": 1.0,
        "model_gates__latency": QUICK_LATENCY,
        "model_gates__throughput": QUICK_THROUGHPUT,
        "behaviour": {},
        "triggers__volume__min_rows": 500,
        "triggers__drift__min_requests": 200,
    }
    change(folder, template=CENSUS / "defs.yaml", **{**small, **changes})
    return folder


def change(folder: Path, template: Path | None = None, **changes: Any) -> None:
    """Set fields of the pipeline's `defs.yaml`."""
    document = yaml.safe_load((template or folder / "defs.yaml").read_text())
    for dotted, value in changes.items():
        *sections, field = dotted.split("__")
        section = document["attributes"]
        for name in sections:
            section = section.setdefault(name, {})
        section[field] = value
    (folder / "defs.yaml").write_text(yaml.safe_dump(document, sort_keys=False))


def batch(path: Path, first: int, rows: int) -> Path:
    """Write `rows` further lines of the training file as a labelled batch."""
    with gzip.open(CENSUS / "data" / "adult.data.gz", "rt") as whole:
        lines = whole.readlines()[first : first + rows]
    path.write_text("".join(lines))
    return path
