"""What a person wants to know of each column: figures, top values, and a small picture.

One column's Markdown stays below 1,000 characters, so that Dagster shows it, picture and all. Values
that look like personal data are masked here, before anything is shown or kept.
"""

import base64
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mlplatform.spec.section import ColumnType, vector_width

if TYPE_CHECKING:
    from mlplatform.validate.record import Profile
    from mlplatform.validate.scan import ColumnView, Histogram, View

TOP_VALUES = 10  # Kept of a column; a person reads ten.
SHOWN_VALUES = 5  # In Markdown, each with at most `SHOWN_CHARACTERS`.
SHOWN_CHARACTERS = 24
BARS = 24
QUARTILES = (0.25, 0.5, 0.75)
TAIL = 0.005  # The picture leaves out this share of the values at either end.
LARGE, HUGE = 1000, 1e15  # Between these, a figure is shown without decimals.
WIDTH, HEIGHT = 168, 36  # Pixels.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Cell = str | int | float


@dataclass(frozen=True, kw_only=True)
class Top:
    """A value and how many rows have it."""

    value: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class Bar:
    """About how many values lie in [low, high)."""

    low: float
    high: float
    rows: float


@dataclass(frozen=True, kw_only=True)
class ColumnSummary:
    """One column of a dataset version.

    Numbers and times (in microseconds since 1970) have minimum, maximum, mean, standard deviation,
    quartiles (three) and bars; strings and bools the most frequent values. Values that are not
    finite are in none of these. `distinct` is an estimate beyond what the scan counts exactly. Top
    values are masked where they look like personal data; of a column that holds some, all are, and
    numbers have neither minimum nor maximum. Vectors have their mean length alone.
    """

    name: str
    type: ColumnType
    rows: int
    missing: int
    not_finite: int = 0
    distinct: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    deviation: float | None = None
    quartiles: tuple[float, ...] = ()
    top: tuple[Top, ...] = ()  # Most frequent first.
    bars: tuple[Bar, ...] = ()

    @property
    def missing_share(self) -> float:
        """Share of rows without a value; all of no rows."""
        return self.missing / self.rows if self.rows else 1.0


def summarised(view: "View", personal: Collection[str] | None = None) -> tuple[ColumnSummary, ...]:
    """Return one summary a column of what the scan saw, in the scan's order.

    `personal` names the columns that hold personal data; without it, they are looked for.
    """
    from mlplatform.validate.sensitive import sensitive

    columns = view.columns
    if personal is None:
        personal = {seen.column for seen in sensitive([columns])}
    return tuple(_summary(n, column, masks=n in personal) for n, column in columns.items())


def markdown(column: ColumnSummary) -> str:
    """Return one column's figures and picture as Markdown of less than 1,000 characters.

    Names and values are shown as code, so nothing in them is taken for Markdown or HTML.
    """
    counted = f"{column.rows:,} rows, {column.missing:,} missing ({column.missing_share:.1%})"
    if column.distinct is not None:
        counted += f", {column.distinct:,} distinct"
    if column.not_finite:
        counted += f", {column.not_finite:,} not finite"
    said = vectors(column) or _values(column)
    lines = [f"{_code(column.name)} {column.type}: {counted}", said, _picture(column)]
    return "  \n".join(line for line in lines if line)


def vectors(column: ColumnSummary) -> str:
    """Return what is known of vectors in words; nothing of other columns."""
    width = vector_width(column.type)
    length = "" if column.mean is None else f", mean length {column.mean:.4g}"
    return f"vectors of {width:,} numbers{length}" if width else ""


def records(profile: "Profile") -> list[Mapping[str, Cell]]:
    """Return one row a column for a table that a person reads; what a column has not is empty."""
    return [_record(column) for column in profile.columns]


def _summary(name: str, column: "ColumnView", *, masks: bool) -> ColumnSummary:
    from mlplatform.validate.sensitive import mask, personal

    common = ColumnSummary(
        name=name,
        type=column.type,
        rows=column.rows,
        missing=column.missing,
        not_finite=column.not_finite,
        distinct=round(column.distinct),
    )
    if vector_width(column.type):
        return replace(common, distinct=None, mean=column.mean)
    if column.type in ("string", "bool"):
        ordered = sorted(column.counts.items(), key=lambda entry: (-entry[1], entry[0]))
        masks = masks and column.type == "string"
        first = (
            Top(value=mask(value) if masks or personal(value) else value, rows=rows)
            for value, rows in ordered[:TOP_VALUES]
        )
        return replace(common, top=tuple(first))
    if column.histogram is None or column.minimum is None:
        return common
    quartiles = (column.histogram.quantile(q) for q in QUARTILES)
    hidden = masks and column.type != "timestamp"
    return replace(
        common,
        minimum=None if hidden else column.minimum,
        maximum=None if hidden else column.maximum,
        mean=column.mean,
        deviation=column.deviation,
        quartiles=tuple(quartile for quartile in quartiles if quartile is not None),
        bars=_bars(column.histogram, whole=column.type == "int64"),
    )


def _record(column: ColumnSummary) -> dict[str, Cell]:
    """A line that fits the narrow table of Dagster's page; the pictures have the rest."""
    median = column.quartiles[1] if column.quartiles else None
    shown = (_figure(column.type, v) for v in (column.minimum, median, column.maximum))
    first = column.top[0] if column.top else None
    return {
        "column": column.name,
        "type": column.type,
        "missing": f"{column.missing_share:.1%}" if column.missing else "",
        "distinct": "" if column.distinct is None else column.distinct,
        **dict(zip(("min", "median", "max"), shown, strict=True)),
        "most frequent": f"{first.value[:SHOWN_CHARACTERS]} {_share(first, column)}"
        if first
        else vectors(column),
    }


def _values(column: ColumnSummary) -> str:
    if column.top:
        shown = column.top[:SHOWN_VALUES]
        return ", ".join(f"{_code(top.value)} {_share(top, column)}" for top in shown)
    if not column.quartiles:
        return ""
    places = zip(
        ("min", "25%", "median", "75%", "max"),
        (column.minimum, *column.quartiles, column.maximum),
        strict=True,
    )
    said = ", ".join(f"{n} {_figure(column.type, v)}" for n, v in places if v is not None)
    mean, width = _figure(column.type, column.mean), _width(column.type, column.deviation)
    return f"{said}; mean {mean} ± {width}"


def _picture(column: ColumnSummary) -> str:
    heights = [bar.rows for bar in column.bars] or [float(top.rows) for top in column.top]
    if not heights or max(heights) <= 0:
        return ""
    image = base64.b64encode(svg(heights).encode()).decode()
    return f"![histogram](data:image/svg+xml;base64,{image})"


def svg(heights: Sequence[float]) -> str:
    """Return a picture of bars next to each other, one path, of at most about 400 characters."""
    step, most = WIDTH / len(heights), max(heights)
    path = f"M0 {HEIGHT}"
    for place, height in enumerate(heights, start=1):
        # A value that is there at all is seen.
        top = HEIGHT - (max(1, round(HEIGHT * height / most)) if height > 0 else 0)
        path += f"V{top}H{round(step * place)}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}">'
        f'<path fill="#4878a8" d="{path}V{HEIGHT}z"/></svg>'
    )


def _bars(histogram: "Histogram", *, whole: bool) -> tuple[Bar, ...]:
    """Cut the middle of the values into at most `BARS` equal widths; tails stand in the outer ones."""
    low, high = (histogram.quantile(q) for q in (TAIL, 1 - TAIL))
    if low is None or high is None:
        return ()
    edges = (
        _of_whole(low, high) if whole else np.linspace(low, high, 1 + (BARS if high > low else 1))
    )
    place = np.clip(np.searchsorted(edges, histogram.values, side="right") - 1, 0, len(edges) - 2)
    rows = np.bincount(place, histogram.counts, len(edges) - 1).tolist()
    ends = pairwise(edges.tolist())
    return tuple(Bar(low=a, high=b, rows=n) for (a, b), n in zip(ends, rows, strict=True))


def _of_whole(low: float, high: float) -> "NDArray[np.float64]":
    """Return edges with as many whole numbers between any two."""
    width = math.ceil((high - low + 1) / BARS)
    count = math.ceil((high - low + 1) / width)
    return low - 0.5 + width * np.arange(count + 1, dtype=np.float64)


def _share(top: Top, column: ColumnSummary) -> str:
    return f"{top.rows / max(1, column.rows):.1%}"


def _figure(kind: ColumnType, value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return ""
    if kind != "timestamp":
        return (
            f"{value:,.0f}" if float(value).is_integer() and abs(value) < 1e15 else f"{value:.5g}"
        )
    try:
        return (EPOCH + timedelta(microseconds=value)).strftime("%Y-%m-%d %H:%M")
    except OverflowError:
        return f"{value:.5g} µs"


def _plain(value: float) -> str:
    whole = value.is_integer() or abs(value) >= LARGE
    return f"{value:,.0f}" if whole and abs(value) < HUGE else f"{value:.5g}"


def _width(kind: ColumnType, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value / 86_400e6:.4g} days" if kind == "timestamp" else _plain(value)


def _code(text: str) -> str:
    """Return hostile text as a Markdown code span: one line, no backtick, cut short."""
    shown = "".join(
        c if c.isprintable() and c != "`" else "\N{REPLACEMENT CHARACTER}" for c in text
    )
    cut = shown if len(shown) <= SHOWN_CHARACTERS else shown[: SHOWN_CHARACTERS - 1] + "…"
    return f"`{cut}`" if cut.strip() else "`(blank)`"
