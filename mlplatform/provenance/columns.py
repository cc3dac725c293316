"""Column lineage of the features a model was trained on, from the state that stands beside the table."""

from typing import TYPE_CHECKING

from mlplatform.errors import PlatformError
from mlplatform.provenance.story import Story

if TYPE_CHECKING:
    from mlplatform.lake import Lake

STATE, ENCODER = "state", "features.json"


def column_lineage(lake: "Lake", story: Story) -> dict[str, list[list[str]]]:
    """Return table and column behind each column of `features`; nothing where that cannot be read."""
    from mlplatform.features.column_lineage import column_lineage as behind
    from mlplatform.features.encoder import Encoder
    from mlplatform.spec.label import Label

    features = story.step("features")
    label = (story.training or {}).get("label")
    if features is None or STATE not in features.facts or not label:
        return {}
    try:
        state = lake.artifacts.open(features.facts[STATE])
        encoder = Encoder.from_json(state.read(ENCODER))
        found = behind(encoder, Label.model_validate(label))
    except (PlatformError, ValueError):
        return {}
    return {
        column: [[f"{story.pipeline}/{noun}", name] for noun, name in sources]
        for column, sources in found.items()
        if column in features.columns
    }
