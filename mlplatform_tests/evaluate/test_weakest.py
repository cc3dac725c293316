from mlplatform.evaluate.weakest import weakest
from mlplatform.features.predicts import Predicts


def row(name, kind, observed, lower, upper, metric="accuracy"):
    return {
        "slice": name, "kind": kind, "rows": 1234, "metric": metric,
        "observed": observed, "lower": lower, "upper": upper,
    }  # fmt: skip


def test_the_slice_that_is_surely_worst_comes_first_after_all_rows():
    rows = [
        row("few rows", "group", 0.6, 0.2, 0.95),
        row("all", "all", 0.9, 0.89, 0.91),
        row("a=1 & b=2|3", "weak", 0.7, 0.68, 0.72),
        row("unknown", "group", None, None, None),
        row("a=1 & b=2|3", "weak", 0.1, 0.0, 0.2, "recall"),
    ]
    lines = weakest(rows, Predicts()).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == [
        "| all",
        "| a=1 & b=2\\|3",
        "| few rows",
    ]
    assert lines[3].endswith("| weak | 1,234 | 0.7 | 0.68 to 0.72 |")


def test_errors_are_worst_where_they_are_surely_largest():
    rows = [row("low", "group", 1.0, 0.5, 9.0, "mae"), row("high", "group", 3.0, 2.0, 4.0, "mae")]
    rows += [row("low", "group", 1.0, 5, 9.0, "pinball")]
    lines = weakest(rows, Predicts("regression")).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| high", "| low"]
    assert len(weakest(rows, Predicts("regression", quantiles=(0.5,))).splitlines()) == 3
    assert len(weakest([], Predicts()).splitlines()) == 2
