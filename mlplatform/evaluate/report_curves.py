"""Which curves apply to a model, with the champion's in the same pictures."""

import math

from mlplatform.evaluate import charts
from mlplatform.evaluate.charts_frame import Points
from mlplatform.evaluate.curves import Curves
from mlplatform.evaluate.html import Html, el
from mlplatform.evaluate.report_input import ReportInput
from mlplatform.evaluate.report_tables import confusion, section


def curves(given: ReportInput) -> Html | None:
    """Return all pictures that the model's answers give; none of a model without usable answers."""
    drawn = given.curves
    theirs = given.champion.curves if given.champion else Curves()
    pictures = [
        *_ranking(given, theirs),
        charts.calibration(drawn.calibration, given.predicts.task, theirs.calibration)
        if drawn.calibration
        else None,
        _scores(given, theirs) if drawn.negatives else None,
        charts.numbers(drawn.numbers, theirs.numbers) if drawn.numbers else None,
        confusion(drawn.confusion, given.classes),
    ]
    shown = [picture for picture in pictures if picture is not None]
    return (
        section("Curves and answers", el("div", shown, class_="charts"), at="curves")
        if shown
        else None
    )


def _ranking(given: ReportInput, theirs: Curves) -> list[Html]:
    mine, found = given.curves, []
    if mine.roc:
        found.append(charts.roc(mine.roc, _of(given, "auc"), _rival(given, theirs.roc, "auc")))
    if mine.precision_recall:
        metric = "average_precision"
        rival = _rival(given, theirs.precision_recall, metric)
        share = sum(mine.positives) / max(sum(mine.positives) + sum(mine.negatives), 1)
        area = _of(given, metric)
        found.append(charts.precision_recall(mine.precision_recall, area, share, rival))
    return found


def _of(given: ReportInput, metric: str) -> float:
    return given.metrics.get(metric, math.nan)


def _rival(given: ReportInput, points: Points, metric: str) -> charts.Rival | None:
    if not points or given.champion is None:
        return None
    return points, given.champion.metrics.get(metric, math.nan)


def _scores(given: ReportInput, theirs: Curves) -> Html:
    drawn = given.curves
    rival = (theirs.negatives, theirs.positives) if theirs.negatives else None
    return charts.scores(drawn.negatives, drawn.positives, given.classes, rival)
