"""How long candidate and champion take for one row, in turn on this host: the exported program, and a real server."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mlplatform.errors import in_words
from mlplatform.judging.host import Meter, host
from mlplatform.judging.interleaved import Ask, Asked, interleaved
from mlplatform.model_measures import LatencySeen, Opponent, RatioSeen, TimedSeen
from mlplatform.statistics.percentile import (
    noise_floor,
    percentile,
    percentile_of_blocks,
    percentile_ratios,
)

if TYPE_CHECKING:
    from mlplatform.features.program import Predictor
    from mlplatform.judging.wire import Connection
    from mlplatform.spec.serving_gates import LatencyGate

Way = Literal["program", "server"]

WAYS: tuple[Way, ...] = ("program", "server")
PERCENTS = (50, 99)
NARROW = 0.25  # Of the slowdown allowed: an interval of p50 no wider to each side decides in nearly every case.
ENOUGH = 0.4  # The same once the time is over: equal models are then within in 99 of 100 cases.
TAIL = 1.25  # And one of p99 whose bounds are no further from it than by this factor.
BINS = 40  # Of the picture, on a logarithmic scale.


@dataclass(frozen=True)
class Timed:
    """A model that is asked for one row at a time; `failed` says why a path cannot be asked."""

    digest: str
    asks: Mapping[Way, Ask]
    failed: Mapping[Way, str] = field(default_factory=dict)


def of_program(predictor: "Predictor", rows: Sequence[Mapping[str, Any]]) -> Ask:
    """Return what asks a program: a raw row, encoded, run, and read back as plain numbers."""
    given = [dict(row) for row in rows]

    def ask(number: int) -> object:
        row = given[number % len(given)]
        return np.asarray(predictor.predict(predictor.encoder.encode_rows([row])))[0].tolist()

    return ask


def of_server(connection: "Connection", requests: Sequence[bytes]) -> Ask:
    """Return what asks a server, over one connection that is kept."""
    return lambda number: connection.ask(requests[number % len(requests)])


class _ChampionError(Exception):
    """The champion does not answer."""


def latency(candidate: Timed, champion: Timed | None, policy: "LatencyGate") -> LatencySeen:
    """Return the times of each path; of candidate and champion in turn where both can be asked.

    A champion of which one path fails is compared on neither: `champion.unscored` says why. Without a
    comparison half the time is spent.
    """
    rival = champion if champion and policy.max_slowdown is not None else None
    unscored = next(iter(rival.failed.values()), "") if rival else ""
    try:
        seen = _latency(candidate, None if unscored else rival, policy)
    except _ChampionError as wrong:
        unscored, seen = str(wrong), _latency(candidate, None, policy)
    against = Opponent(digest=champion.digest, unscored=unscored) if champion else None
    return replace(seen, champion=against)


def _latency(candidate: Timed, champion: Timed | None, policy: "LatencyGate") -> LatencySeen:
    meter, timed, failed = Meter(), [], {str(way): why for way, why in candidate.failed.items()}
    for way in WAYS:
        unasked = way == "server" and policy.max_served_p99_ms is None
        if unasked or way in failed:
            continue
        try:
            timed.append(_timed(way, candidate, champion, policy))
        except _ChampionError:
            raise
        except Exception as wrong:  # Whatever a broken program raises is the candidate's fault.
            failed[way] = in_words(wrong)
    return LatencySeen(timed=timed, failed=failed, host=host(), others=meter.others())


def _of_champion(ask: Ask) -> Ask:
    def marked(number: int) -> object:
        try:
            return ask(number)
        except Exception as wrong:  # Whatever it raises, the candidate has its own limits.
            raise _ChampionError(in_words(wrong)) from wrong

    return marked


def _timed(way: Way, candidate: Timed, champion: Timed | None, policy: "LatencyGate") -> TimedSeen:
    asks = [candidate.asks[way], *([_of_champion(champion.asks[way])] if champion else [])]
    share = policy.max_slowdown

    def precise(found: Asked, late: bool) -> bool:  # noqa: FBT001 - as `interleaved` asks
        if share is None or champion is None:
            return late
        return (
            _is_narrow(found, share * ENOUGH, math.inf)
            if late
            else _is_narrow(found, share * NARROW, TAIL)
        )

    seconds = policy.seconds if champion else policy.seconds / 2
    found = interleaved(asks, min_samples=policy.min_samples, seconds=seconds, precise=precise)
    return _seen(way, found)


def _is_narrow(found: Asked, off: float, factor: float) -> bool:
    """Return whether p50's bounds are within `off` of it, and those of p99 within a factor."""
    middle, tail = percentile_ratios(found.blocks[0], found.blocks[1], PERCENTS)
    return (
        max(middle.upper - middle.observed, middle.observed - middle.lower) <= off
        and tail.upper <= tail.observed * factor
        and tail.observed <= tail.lower * factor
    )


def _seen(way: Way, found: Asked) -> TimedSeen:
    mine, *others = found.blocks
    tail, edges = percentile_of_blocks(mine, 99), _edges(found)
    compared: dict[str, Any] = {}
    if others:
        compared = {
            "ratios": _ratios(mine, others[0]),
            "champion_p50": percentile(others[0], 50).observed,
            "champion_p99": percentile(others[0], 99).observed,
            "champion_counts": _counts(others[0], edges),
        }
    return TimedSeen(
        path=way,
        samples=found.samples,
        p50=percentile(mine, 50).observed,
        p99=tail.observed,
        p99_lower=max(tail.lower, 0.0),
        p99_upper=tail.upper,
        edges=edges.tolist(),
        counts=_counts(mine, edges),
        **compared,
    )


def _ratios(mine: "np.ndarray", theirs: "np.ndarray") -> list[RatioSeen]:
    noise = noise_floor(theirs, PERCENTS)
    return [
        RatioSeen(
            percentile=percent,
            observed=ratio.observed,
            lower=ratio.lower,
            upper=ratio.upper,
            noise=floor,
        )
        for percent, ratio, floor in zip(
            PERCENTS, percentile_ratios(mine, theirs, PERCENTS), noise, strict=True
        )
    ]


def _edges(found: Asked) -> "np.ndarray":
    """Return the edges of bins that hold every time of both models."""
    low = min(float(each.min()) for each in found.blocks)
    high = max(float(each.max()) for each in found.blocks)
    return np.geomspace(max(low, 1e-6) * 0.999, high * 1.001, BINS + 1)


def _counts(times: "np.ndarray", edges: "np.ndarray") -> list[int]:
    counts: list[int] = np.histogram(times, edges)[0].tolist()
    return counts
