"""What the model sees of a flight: its schedule, and how late flights have been leaving until its hour."""

import jax.numpy as jnp

from mlplatform.features import (
    Aggregate,
    Categorical,
    Cross,
    Datetime,
    FeatureSet,
    Numeric,
    feature,
)

# What is known when the scheduled hour begins: flights that had left by then, and none after.
airport_delay = Aggregate(
    "airport_delay",
    events="departures",
    by=["origin"],
    function="mean",
    column="dep_delay",
    window="2h",
    description="Mean delay of departures from this airport, minutes.",
)
city_delay = Aggregate(
    "city_delay",
    events="departures",
    by=[],
    function="mean",
    column="dep_delay",
    window="3h",
    description="Mean delay of departures from all three airports, minutes.",
)
plane_late = Aggregate(
    "plane_late",
    events="departures",
    by=["tailnum"],
    where=[("dep_delay", ">", 15)],
    window="24h",
    description="Late departures of this aeroplane.",
)
plane_delay = Aggregate(
    "plane_delay",
    events="departures",
    by=["tailnum"],
    function="last",
    column="dep_delay",
    window="12h",
    description="Delay of this aeroplane's last departure, minutes.",
)


@feature(columns=["departs", "arrives"])
def on_the_clock(departs, arrives):
    """Hours from departure to arrival by the two local clocks, across midnight too."""
    return jnp.mod(arrives - departs, 1440) / 60


features = FeatureSet(
    [
        Numeric("departs", bins=24),
        Numeric("arrives", bins=24),
        Numeric("distance", bins=16),
        on_the_clock,
        Numeric("airport_delay", column=airport_delay, bins=24),
        Numeric("city_delay", column=city_delay, bins=24),
        Numeric("plane_late", column=plane_late, scale="none", clip=(0, 5)),
        Numeric("plane_delay", column=plane_delay, bins=16),
        Datetime(
            "local",
            column="time_hour",
            parts=["weekday"],
            cycles=["day"],
            timezone="America/New_York",
        ),
        Categorical("carrier"),
        Categorical("origin"),
        Categorical("dest", min_count=50),
        Cross("airline_at", of=["carrier", "origin"]),
    ]
)
