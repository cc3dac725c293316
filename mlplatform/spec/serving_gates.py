"""Gates on what a model costs to serve: time, requests a second, bytes."""

from pydantic import Field

from mlplatform.spec.section import Gate, Share


class LatencyGate(Gate):
    """One-row answers of the exported program and of a real server: a limit, and no slower than the champion."""

    max_p99_ms: float = Field(
        default=50, gt=0, description="Of the exported program, from raw values to the answer."
    )
    max_served_p99_ms: float | None = Field(
        default=100,
        gt=0,
        description="Of a server of this machine, over HTTP, one client; null: nobody serves it, so no "
        "server is timed.",
    )
    max_slowdown: Share | None = Field(
        default=0.1,
        description="By which p50 or p99 may be shown to exceed the champion's, interleaved on this machine, "
        "beyond what the champion differs from itself. null: not compared.",
    )
    min_samples: int = Field(
        default=1000, ge=1000, description="Of each model; fewer do not decide."
    )
    seconds: float = Field(
        default=4,
        gt=0,
        le=600,
        description="Spent on measuring each of program and server; half of it without a champion, and up to three "
        "times as much where a busy host blurs the comparison.",
    )


class ThroughputGate(Gate):
    """Requests of one row that a real server answers, with several clients at once."""

    min_requests_per_second: float | None = Field(
        default=1000, gt=0, description="null: nobody serves it, so the gate does not apply."
    )
    clients: int = Field(default=16, ge=1, le=1024, description="That ask at the same time.")
    seconds: float = Field(default=3, gt=0, le=600, description="Spent on measuring.")


class SizeGate(Gate):
    """Size of the model artifact."""

    max_megabytes: float = Field(default=50, gt=0)
