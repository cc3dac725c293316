"""Requests of one row that a real server answers a second, with many clients at once."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats  # type: ignore[import-untyped] # SciPy ships no types.

from mlplatform.errors import PlatformError
from mlplatform.judging.host import Meter, host
from mlplatform.judging.load import Loaded, load
from mlplatform.model_measures import ThroughputSeen
from mlplatform.statistics.compared import ONE_SIDED, Interval
from mlplatform.statistics.percentile import percentile

if TYPE_CHECKING:
    from mlplatform.spec.serving_gates import ThroughputGate

WARM_SECONDS = 0.3  # Of the same load before it counts.
WINDOW_SECONDS = 0.25  # Long against one answer, and a dozen of them in the default three seconds.
MIN_WINDOWS = 4  # Fewer say nothing about how windows differ.
NOTHING = Interval(
    rows=0, observed=float("nan"), lower=float("nan"), upper=float("nan"), method="none"
)


def throughput(url: str, requests: Sequence[bytes], policy: "ThroughputGate") -> ThroughputSeen:
    """Return what a server answers under the load of the policy.

    The clients run in this process, and share the host's cores with the server.

    Args:
        url: The server.
        requests: As `wire.requests` makes them.
        policy: How many clients, and for how long.
    """
    meter = Meter()
    try:
        load(url, requests, policy.clients, min(WARM_SECONDS, policy.seconds))
        meter = Meter()
        found = load(url, requests, policy.clients, policy.seconds)
    except PlatformError as wrong:
        return unmeasured(policy, str(wrong))
    return ThroughputSeen(
        requests=len(found.seconds),
        errors=found.errors,
        per_second=_per_second(found),
        clients=policy.clients,
        p99_ms=percentile(np.array(found.latency_ms), 99).observed,
        host=host(),
        first_error=found.first_error,
        others=meter.others(),
    )


def unmeasured(policy: "ThroughputGate", why: str) -> ThroughputSeen:
    """Return that there is no measurement, and why."""
    return ThroughputSeen(
        requests=0,
        errors=0,
        per_second=NOTHING,
        clients=policy.clients,
        p99_ms=float("nan"),
        host=host(),
        failed=why,
    )


def _per_second(found: Loaded) -> Interval:
    """Return the mean over windows of equal length, with Student's bounds."""
    windows = max(int(found.took / WINDOW_SECONDS), MIN_WINDOWS)
    counts, edges = np.histogram(found.seconds, windows, range=(0.0, found.took))
    rates = counts / (edges[1] - edges[0])
    mean, off = float(rates.mean()), float(rates.std(ddof=1)) / windows**0.5
    off *= float(stats.t.ppf(ONE_SIDED, windows - 1))
    return Interval(
        rows=len(found.seconds), observed=mean, lower=mean - off, upper=mean + off, method="normal"
    )
