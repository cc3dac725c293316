"""Verdicts of every gate on a model, with evidence as the gates write it: passes, failures, and what cannot be told."""

from dataclasses import asdict

import numpy as np

from mlplatform.statistics.compared import Compared
from mlplatform.verdict import Outcome, Severity, Verdict

PASS, FAIL, UNSURE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE
RIVAL = "98765432" * 8
OVERRIDE = {
    "gate": "latency",
    "outcome": "inconclusive",
    "by": "Ana Silva (ana@example.com)",
    "because": "The shared runner is noisy this week; measured by hand at 2.1 ms on the serving machine.",
    "at": "2026-03-01T13:05:12.123456+00:00",
    "until": "2026-03-08T13:05:12+00:00",
}
OVERALL = Verdict(
    gate="overall",
    outcome=FAIL,
    observed=8.0,
    limit=11.0,
    because="8 of 11 required gates passed, one of them by an override; regression fail: accuracy is worse than "
    "the champion's for sex=Female & race=Black; behaviour fail: 2 of 5 cases fail",
    evidence={
        "gates": {"latency": {"outcome": "inconclusive", "because": "noise"}},
        "overrides": [OVERRIDE],
    },
)


def verdicts(both, task="binary") -> list[Verdict]:
    """Return a verdict of every gate on a model, and of two on its data."""
    return [
        *_of_data(),
        _performance(both, task),
        _regression(),
        _fairness(),
        _behaviour(),
        _latency(),
        *_others(),
    ]


def _of_data():
    rows = "48,842 rows, at least 40,000"
    moved = "no column moved by more than 0.2"
    return [
        Verdict(gate="row_count", outcome=PASS, observed=48842.0, limit=40000.0, because=rows),
        Verdict(gate="drift", outcome=PASS, observed=0.0, limit=0.2, because=moved),
    ]


def _others():
    load = {"per_second": 1840.0, "lower": 1712.0, "upper": 1951.0, "clients": 16, "requests": 5520}
    error = {"observed": 0.014, "lower": 0.009, "upper": 0.021}
    made_from = {
        "versions": {"census_income/dataset": "3:8f0c2d1e5a7b"},
        "missing": [],
        "refused": [],
    }
    return [
        Verdict(
            gate="calibration", outcome=PASS, observed=0.014, limit=0.1, interval=(0.009, 0.021),
            because="the expected calibration error of 0.014 is at most 0.1",
            evidence={**error, "what": "expected calibration error", "worst": ""},
        ),
        Verdict(
            gate="throughput", outcome=PASS, observed=1840.0, limit=1000.0, interval=(1712.0, 1951.0),
            because="1,840 requests a second with 16 clients, at least 1,000",
            evidence={**load, "errors": 0, "p99_ms": 14.2, "host": "Intel Xeon, 2 cores"},
        ),
        Verdict(gate="artifact_size", outcome=PASS, observed=0.42, limit=20.0, because="0.42 MB, at most 20"),
        Verdict(
            gate="data_integrity", outcome=PASS, because="9 tables on record, all judged; no forbidden column",
            evidence={**made_from, "forbidden": {}},
        ),
        Verdict(
            gate="reproducibility", outcome=FAIL, severity=Severity.WARN,
            because="the working tree had other changes when the model was trained",
            evidence={"commit": "32ceb34", "dirty": True, "lock": "5f3a", "seed": 0, "bits": ""},
        ),
    ]  # fmt: skip


def _performance(both, task):
    first = {"binary": "accuracy", "multiclass": "accuracy", "regression": "rmse"}.get(
        task, "pinball"
    )
    mine, theirs = both[0][first], both[1][first]
    right = Compared(
        metric=first, rows=6000, candidate=mine, champion=theirs, better=0.0040, lower=-0.0012, upper=0.0092,
        margin=0.01, power_if_equal=0.97, rows_needed=None, gained=204, lost=180, relative=first == "rmse",
    )  # fmt: skip
    ranked = Compared(
        metric="auc", rows=6000, candidate=0.91, champion=0.904, better=0.0060, lower=-0.0132, upper=0.0112,
        margin=0.01, power_if_equal=0.61, rows_needed=14_200, method="delong",
    )  # fmt: skip
    better = {"baseline": 0.76, "better": 0.1, "lower": 0.09, "upper": 0.11}
    return Verdict(
        gate="performance", outcome=UNSURE, observed=mine, limit=0.84, baseline=theirs,
        interval=(mine * 0.99, mine * 1.01),
        because=f"{first} is within 0.01 of the champion's; auc cannot be told: it needs 14,200 rows",
        evidence={
            "rows": 6000,
            "champion": RIVAL,
            "compared": [asdict(right), *([asdict(ranked)] if task == "binary" else [])],
            "metrics": [{"metric": first, "observed": mine, "lower": mine * 0.99, "upper": mine * 1.01}],
            "trivial": [{"metric": first, "what": "the majority class", **better}],
            "findings": [{"outcome": "pass", "because": "above its floor"}],
        },
    )  # fmt: skip


def _regression():
    told = [
        ("all", 6000, 0.004, -0.002, 0.010, PASS),
        ("sex=Female", 1980, 0.006, -0.003, 0.015, PASS),
        ("sex=Male", 4020, 0.003, -0.004, 0.010, PASS),
        ("race=White", 4980, 0.002, -0.005, 0.009, PASS),
        ("race=Black", 602, -0.009, -0.028, 0.010, UNSURE),
        ("sex=Female & race=Black", 201, -0.060, -0.090, -0.021, FAIL),
    ]
    names = ("slice", "rows", "better", "lower", "upper", "outcome")
    common = {"champion": 0.86, "margin": 0.01, "gained": 9, "lost": 12}
    slices = [
        {**common, **dict(zip(names, row, strict=True)), "candidate": 0.86 + row[2], "outcome": row[5].value}
        for row in told
    ]  # fmt: skip
    return Verdict(
        gate="regression", outcome=FAIL, observed=-0.06, limit=-0.01, interval=(-0.09, -0.021),
        because="sex=Female & race=Black: accuracy is worse than the champion's by 0.060, at least 0.021; 0.01 may be",
        evidence={"champion": RIVAL, "slices": slices, "small": {"race=Other": 60, "race=Amer-Indian-Eskimo": 88}},
    )  # fmt: skip


def _fairness():
    """Return three criteria by sex and one by race."""
    found = {"Female": (0.921, 1980, 0.55, 214), "Male": (0.834, 4020, 0.66, 1210)}
    kinds = ("accuracy", "accuracy_rows", "true_positive_rate", "true_positive_rate_rows")
    sexes = {group: dict(zip(kinds, four, strict=True)) for group, four in found.items()}
    races = {
        name: {"accuracy": 0.85, "accuracy_rows": 600} for name in ("Asian-Pac-Islander", "Black")
    }
    told = [
        ("sex", "accuracy_gap", 0.087, 0.07, 0.104, 0.1, "inconclusive"),
        ("sex", "equalized_odds", 0.11, 0.05, 0.17, 0.2, "pass"),
        ("sex", "disparate_impact", 0.375, 0.33, 0.42, 0.8, "fail"),
        ("race", "accuracy_gap", 0.03, 0.0, 0.07, 0.1, "pass"),
    ]
    names = ("column", "criterion", "observed", "lower", "upper", "limit", "outcome")
    of = {
        "sex": {"rates": sexes, "increase": [0.004, -0.012, 0.02], "worst": "Female and Male"},
        "race": {"rates": races, "increase": None, "worst": "Black and Asian-Pac-Islander"},
    }
    groups = [{**dict(zip(names, row, strict=True)), **of[row[0]]} for row in told]
    return Verdict(
        gate="fairness", outcome=FAIL, observed=0.375, limit=0.8, interval=(0.33, 0.42), severity=Severity.WARN,
        because="by sex the selection rate of Female is 0.375 of Male's, at most 0.42; 0.8 is asked for",
        evidence={"groups": groups, "small": {"race": {"Other": 60, "Amer-Indian-Eskimo": 88}}},
    )  # fmt: skip


def _behaviour():
    sex = "row 5f2a: sex Male → Female moved the answer from 0.61 (>50K) to 0.42; no change was expected"
    school = "row 91cc: education_num 9 → 11, from 0.33 to 0.31"
    missing = "row 77ab: without occupation the answer is 0.48, was 0.55"
    told = [
        ("another sex leaves the answer as it is", "invariance", 2000, 252, 0.1, 0.114, 0.139, "fail", sex),
        ("more education does not lower the answer", "direction", 2000, 61, 0.05, 0.025, 0.038, "pass", school),
        ("a surgeon with a fortune earns well", "minimum", 4, 0, 0.0, 0.0, 0.0, "pass", ""),
        ("a missing occupation moves few answers", "robustness", 2000, 96, 0.05, 0.041, 0.056, "inconclusive", missing),
        ("weekend work counts", "function", 0, 0, 0.0, 0.0, 1.0, "fail", ""),
    ]  # fmt: skip
    names = ("name", "kind", "tried", "failed", "max_share", "lower", "upper", "outcome", "worst")
    cases = [{**dict(zip(names, row, strict=True)), "examples": [], "error": ""} for row in told]
    cases[-1]["error"] = "behaviour.py, line 12: KeyError 'weekend'"
    because = "2 of 5 cases fail: another sex leaves the answer as it is; weekend work counts"
    return Verdict(
        gate="behaviour",
        outcome=FAIL,
        observed=0.126,
        limit=0.1,
        because=because,
        evidence={"cases": cases},
    )


def _latency():
    """Return latency of program and server; the server's noise decides nothing."""
    paths = [_path("program", 1.1, 0.94, 0.03), _path("server", 4.6, 1.0, 0.09)]
    return Verdict(
        gate="latency", outcome=UNSURE, observed=2.3, limit=50.0, baseline=2.2, interval=(2.1, 2.5),
        because="the p99 of the server is 1.02 times the champion's, 0.88 to 1.16; noise hides a slowdown of 10 %",
        evidence={"host": "Intel Xeon, 2 cores", "paths": paths, "failed": {}},
    )  # fmt: skip


def _path(name, middle, times, noise):
    rng = np.random.default_rng(5)
    mine, theirs = (
        rng.lognormal(np.log(middle * t), s, 1200) for t, s in ((1, 0.28), (times, 0.3))
    )
    both = np.concatenate([mine, theirs])
    edges = np.geomspace(both.min(), both.max(), 31)
    seen = {f"p{p}": float(np.percentile(mine, p)) for p in (50, 99)}
    champion = {f"champion_p{p}": float(np.percentile(theirs, p)) for p in (50, 99)}
    ratio = {p: seen[f"p{p}"] / champion[f"champion_p{p}"] for p in (50, 99)}
    return {
        "path": name,
        "samples": 1200,
        **seen,
        **champion,
        "p99_lower": seen["p99"] * 0.93,
        "p99_upper": seen["p99"] * 1.08,
        "ratios": [
            {"percentile": p, "observed": ratio[p], "lower": ratio[p] - by, "upper": ratio[p] + by, "noise": noise}
            for p, by in ((50, 0.03), (99, 0.14))
        ],
        "edges": edges.tolist(),
        "counts": np.histogram(mine, edges)[0].tolist(),
        "champion_counts": np.histogram(theirs, edges)[0].tolist(),
    }  # fmt: skip
