"""Feature statistics for people: a table, and a picture of each feature, in Markdown.

A feature's own Markdown stays below 1,000 characters, so that Dagster shows it, picture and all.
Words of a vocabulary that look like personal data are masked.
"""

import base64
from collections.abc import Callable, Sequence
from itertools import pairwise

from mlplatform.features.encoder import Encoder
from mlplatform.features.inputs import FIRST, MISSING, UNSEEN, VocabularyInput
from mlplatform.features.state import BucketState, IdState, NumericState, State, TimeState
from mlplatform.features.statistics import FeatureStatistics, Moments, Statistics, top

QUARTILES = (0.25, 0.5, 0.75)
TOP = 5  # Ids named, each with at most `CHARACTERS`.
CHARACTERS = 24
BARS = 24

Words = Callable[[int], str]


def table(statistics: Statistics, encoder: Encoder) -> str:
    """Return all features as one Markdown table."""
    lines = ["| feature | kind | missing | unseen | values |", "|---|---|---|---|---|"]
    for state in encoder.states:
        seen = statistics.features[state.name]
        cells = [
            state.name, seen.kind, _share(seen.missing, statistics.rows),
            _share(_unseen(seen), statistics.rows), _values(state, seen, encoder, statistics.rows),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def pictures(statistics: Statistics, encoder: Encoder) -> dict[str, str]:
    """Return each feature's figures and picture as Markdown of less than 1,000 characters."""
    return {
        state.name: markdown(state, statistics.features[state.name], encoder, statistics.rows)
        for state in encoder.states
    }


def markdown(state: State, seen: FeatureStatistics, encoder: Encoder, rows: int) -> str:
    """Return one feature's figures and picture."""
    from mlplatform.validate.summary import svg

    said = f"`{state.name}` {seen.kind}: {rows:,} rows"
    if seen.missing:
        said += f", {_share(seen.missing, rows)} missing"
    lines = [said, _values(state, seen, encoder, rows)]
    heights = _heights(seen, rows)
    if any(height > 0 for height in heights):
        image = base64.b64encode(svg(heights).encode()).decode()
        lines.append(f"![histogram](data:image/svg+xml;base64,{image})")
    return "  \n".join(line for line in lines if line)


def occupancy(seen: FeatureStatistics, rows: int) -> list[int]:
    """Return how many rows lie in each bin: missing values where their fill does."""
    ends = [rows, *seen.above[1:], 0]
    return [low - high for low, high in pairwise(ends)] if seen.above else []


def words(state: State, encoder: Encoder) -> Words:
    """Return what names an id of `state`: a vocabulary's word, an interval, else its number."""
    if isinstance(state, IdState):
        read = encoder.inputs[state.input]
        if isinstance(read, VocabularyInput):
            return _named(read.vocabulary)
    if isinstance(state, BucketState):
        edges = [f"{edge:.5g}" for edge in state.edges]
        if not edges:  # Of a constant.
            return _named(["any"])
        pairs = pairwise(edges)
        return _named([f"< {edges[0]}", *(f"{a} to {b}" for a, b in pairs), f"≥ {edges[-1]}"])
    first = 1 if isinstance(state, TimeState) else 0
    return _named([], first=-FIRST if first else 0)


def _named(known: Sequence[str], first: int = 0) -> Words:
    """Return names of ids: `known` ones from `FIRST` on, others by number plus `first`."""
    from mlplatform.validate.sensitive import mask, personal

    reserved = {MISSING: "(missing)", UNSEEN: "(unseen)"}

    def name(one: int) -> str:
        if one in reserved:
            return reserved[one]
        if not FIRST <= one < FIRST + len(known):
            return f"`{one + first}`"
        word = known[one - FIRST]
        return _code(mask(word) if personal(word) else word)

    return name


def _values(state: State, seen: FeatureStatistics, encoder: Encoder, rows: int) -> str:
    if isinstance(state, NumericState) and seen.above:
        full = max(occupancy(seen, rows), default=0)
        return f"{len(seen.above)} bins, the fullest has {_share(full, rows)}"
    parts = [_moments_said(moments) for moments in list(seen.columns.values())[:1]]
    if len(seen.columns) > 1:
        parts[0] += f"; the first of {len(state.vectors)} columns"
    if seen.ids:
        name = words(state, encoder)
        counts = top(next(iter(seen.ids.values())))[:TOP]
        parts.append(", ".join(f"{name(one)} {_share(n, rows)}" for one, n in counts))
    return "; ".join(part for part in parts if part)


def _moments_said(moments: Moments) -> str:
    if not moments.rows:
        return ""
    quartiles = ", ".join(f"{moments.quantile(share):.4g}" for share in QUARTILES)
    return (
        f"mean {moments.mean:.4g} ± {moments.deviation:.4g}, {moments.low:.4g} to"
        f" {moments.high:.4g}, quartiles about {quartiles}"
    )


def _heights(seen: FeatureStatistics, rows: int) -> list[float]:
    if seen.above:
        return _few([float(n) for n in occupancy(seen, rows)])
    if seen.ids:
        return [float(n) for _, n in top(next(iter(seen.ids.values())))[:BARS]]
    return next((_bars(moments) for moments in seen.columns.values()), [])


def _few(heights: list[float]) -> list[float]:
    """Join neighbours until there are at most `BARS`."""
    step = -(-len(heights) // BARS)
    return [sum(heights[k : k + step]) for k in range(0, len(heights), step)]


def _bars(moments: Moments) -> list[float]:
    """Cut the range into `BARS` equal widths; the buckets of the histogram go where their middles lie."""
    from mlplatform.features.statistics import value

    width = (moments.high - moments.low) / BARS if moments.rows else 0.0
    if width <= 0:
        return [float(moments.rows)]
    heights = [0.0] * BARS
    for bits, rows in moments.histogram.items():
        place = int((value(bits) - moments.low) / width)
        heights[min(max(place, 0), BARS - 1)] += rows
    return heights


def _unseen(seen: FeatureStatistics) -> int | None:
    return sum(counts.get(UNSEEN, 0) for counts in seen.ids.values()) if seen.ids else None


def _share(part: int | None, rows: int) -> str:
    return "" if part is None or not rows else f"{part / rows:.1%}"


def _code(text: str) -> str:
    """Return hostile text as a code span that fits a table cell: one line, no backtick, no bar, cut short."""
    shown = "".join(
        c if c.isprintable() and c not in "`|" else "\N{REPLACEMENT CHARACTER}" for c in text
    )
    cut = shown if len(shown) <= CHARACTERS else shown[: CHARACTERS - 1] + "…"
    return f"`{cut}`" if cut.strip() else "`(blank)`"
