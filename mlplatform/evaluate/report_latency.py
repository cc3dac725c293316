"""How fast the model answers: histograms beside the champion's, percentiles, ratios, and requests a second."""

from collections.abc import Sequence

from mlplatform.evaluate.charts_latency import histogram
from mlplatform.evaluate.charts_strip import Axis, scale, strip
from mlplatform.evaluate.html import Html, el
from mlplatform.evaluate.report_input import ReportInput, Row, finite, mappings, real
from mlplatform.evaluate.report_tables import Cell, above_below, badge, note, section, table
from mlplatform.evaluate.report_words import interval, number
from mlplatform.verdict import Outcome

TITLES = {"program": "The exported program", "server": "The server, over HTTP"}


def latency(given: ReportInput) -> Html | None:
    """Return what was timed, by path."""
    verdict = given.verdict("latency")
    if verdict is None:
        return None
    paths = given.evidence("latency", "paths")
    if not paths:
        return section("Latency", note(verdict.because), at="latency")
    drawn = [p for path in paths if (p := _picture(path, verdict.limit)) is not None]
    host = verdict.evidence.get("host")
    where = note(f"Measured on {host}, one row at a time.") if host else None
    failed = verdict.evidence.get("failed")
    broken = (
        [note(f"{k} could not be timed: {v}") for k, v in failed.items()]
        if isinstance(failed, dict)
        else []
    )
    pictures = el("div", drawn, class_="charts") if drawn else None
    return section(
        "Latency", note(verdict.because), where, broken, pictures, _percentiles(paths), _ratios(paths), at="latency"
    )  # fmt: skip


def _numbers(path: Row, name: str) -> list[float]:
    found = path.get(name)
    numbers = [real(value) for value in found] if isinstance(found, list | tuple) else []
    known = [n for n in numbers if n is not None]
    return known if len(known) == len(numbers) else []


def _limit(path: Row, of_gate: float | None) -> float | None:
    """Return the path's own limit where it is on record, else the gate's, which is about the program."""
    own = finite(path, "limit")
    return own if own is not None else of_gate if path.get("path") == "program" else None


def _picture(path: Row, limit: float | None) -> Html | None:
    edges, counts = _numbers(path, "edges"), [int(n) for n in _numbers(path, "counts")]
    if not counts or len(edges) != len(counts) + 1 or edges[-1] <= edges[0]:
        return None
    theirs = [int(n) for n in _numbers(path, "champion_counts")]
    marks = [
        (f"{p} {number(v)} ms", v) for p in ("p50", "p99") if (v := finite(path, p)) is not None
    ]
    rival = theirs if len(theirs) == len(counts) and any(theirs) else []
    return histogram(_title(path), edges, counts, rival, marks=marks, limit=_limit(path, limit))


def _title(path: Row) -> str:
    return TITLES.get(str(path.get("path")), str(path.get("path", "?")))


def _percentiles(paths: Sequence[Row]) -> Html:
    columns = ("Path", "#Samples", "#p50, ms", "#Champion's p50", "#p99, ms", "#Champion's p99")
    rows = [
        (
            _title(path),
            number(finite(path, "samples")),
            number(finite(path, "p50")),
            number(finite(path, "champion_p50")),
            above_below(
                number(finite(path, "p99")),
                interval(finite(path, "p99_lower"), finite(path, "p99_upper")),
            ),
            number(finite(path, "champion_p99")),
        )
        for path in paths
    ]
    return table(columns, rows, class_="wide")


def _ratios(paths: Sequence[Row]) -> list[Html]:
    found = [(path, ratio) for path in paths for ratio in mappings(path.get("ratios"))]
    if not found:
        return []
    limits = [1 + n for _, ratio in found if (n := finite(ratio, "noise")) is not None]
    values = [finite(ratio, n) for _, ratio in found for n in ("observed", "lower", "upper")]
    axis = Axis.around([*values, *limits], line=1.0)
    heads = {"As fast at 1": scale(axis, "times")}
    columns = (
        "Path",
        "Percentile",
        "#Times the champion's",
        "~As fast at 1",
        "#Noise floor",
        "Reading",
    )
    says = (
        "Percentiles over the champion's, asked in turn on the same machine. The noise floor is how far the champion "
        "was from itself, half against half; what lies within it (up to the dashed line) is no difference."
    )
    rows = [_ratio(path, ratio, axis) for path, ratio in found]
    return [note(says), table(columns, rows, class_="wide", heads=heads)]


def _ratio(path: Row, ratio: Row, axis: Axis) -> Sequence[Cell]:
    observed, lower, upper, noise = (
        finite(ratio, n) for n in ("observed", "lower", "upper", "noise")
    )
    own = Axis(axis.low, axis.high, 1 + noise if noise is not None else None, "above", 1.0)
    which, words, outcome = (
        f"p{number(finite(ratio, 'percentile'))}",
        *_reading(lower, upper, noise or 0.0),
    )
    told = interval(lower, upper)
    says = f"{_title(path)}, {which}: {number(observed)} times the champion's, {told}"
    return (
        _title(path),
        which,
        above_below(number(observed), told),
        strip(own, observed, (lower, upper), outcome=outcome, says=says),
        f"± {noise:.1%}" if noise is not None else "",
        words,
    )


def _reading(lower: float | None, upper: float | None, noise: float) -> tuple[str, Outcome]:
    if lower is None or upper is None:
        return "not known", Outcome.INCONCLUSIVE
    if lower > 1 + noise:
        return "▲ slower", Outcome.FAIL
    if upper < 1 - noise:
        return "▼ faster", Outcome.PASS
    return "no difference shown", Outcome.PASS


def throughput(given: ReportInput) -> Html | None:
    """Return requests a second against the limit."""
    verdict = given.verdict("throughput")
    if verdict is None:
        return None
    seen = verdict.evidence
    value, lower, upper = (finite(seen, n) for n in ("per_second", "lower", "upper"))
    axis = Axis.around([value, lower, upper], limit=verdict.limit)
    facts = {
        "Clients": number(finite(seen, "clients")),
        "Requests": number(finite(seen, "requests")),
        "Errors": number(finite(seen, "errors")),
        "p99 under load, ms": number(finite(seen, "p99_ms")),
    }
    row = (
        badge(verdict.outcome),
        above_below(number(value), interval(lower, upper)),
        strip(axis, value, (lower, upper), outcome=verdict.outcome, says=verdict.because),
        number(verdict.limit),
        *facts.values(),
    )
    columns = (
        "Outcome",
        "#Requests a second",
        "~Against the limit",
        "#At least",
        *(f"#{f}" for f in facts),
    )
    heads = {"Against the limit": scale(axis, "limit dashed")}
    drawn = table(columns, [row], class_="wide", heads=heads)
    return section("Throughput", note(verdict.because), drawn, at="throughput")
