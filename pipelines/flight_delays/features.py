"""What the model sees of a flight: its schedule, and how late the city's flights have been leaving."""

from mlplatform.features import Categorical, FeatureSet, Numeric

features = FeatureSet(
    [
        Numeric("departs", bins=24),
        Numeric("arrives", bins=24),
        Numeric("distance", bins=16),
        Numeric("airport_delay", bins=24),
        Numeric("city_delay", bins=24),
        Categorical("carrier"),
        Categorical("origin"),
        Categorical("dest", min_count=50),
        Categorical("weekday"),
    ]
)
