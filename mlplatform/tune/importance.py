"""How much each searched field decides the metric."""

from collections.abc import Sequence

import optuna

from mlplatform.tune.engine import Space
from mlplatform.tune.record import Record

FEW = 10  # Complete trials, below which a share of the variance is noise.


def importances(
    records: Sequence[Record], space: Space, metric: str, direction: str
) -> dict[str, float]:
    """Return each field's share of what decides the metric, the largest first; nothing of few trials.

    PED-ANOVA (Watanabe, Bansal & Hutter, IJCAI 2023): which fields tell the best tenth of the trials
    from the others.
    """
    complete = [record for record in records if record.state == "complete"]
    if len(complete) < FEW or len({record.metrics[metric] for record in complete}) == 1:
        return {}
    study = optuna.create_study(direction=optuna.study.StudyDirection[direction.upper()])
    study.add_trials([record.frozen(space, metric) for record in complete])
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {path: float(share) for path, share in found.items()}
