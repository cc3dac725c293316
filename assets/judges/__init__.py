"""What each gate measures, asset by asset: reads the lake, asks `mlplatform.gates`, answers with verdicts."""

from assets.judges.common import Answer
from assets.judges.data import dataset, source, split
from assets.judges.release import deployment, evaluation, gate_verdict, registered_model
from assets.judges.training import features, model

__all__ = [
    "Answer",
    "dataset",
    "deployment",
    "evaluation",
    "features",
    "gate_verdict",
    "model",
    "registered_model",
    "source",
    "split",
]
