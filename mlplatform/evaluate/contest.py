"""A candidate and the live model on the same test rows, and whether anything can be told from them."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mlplatform.evaluate import tasks
from mlplatform.evaluate.assessment import answers
from mlplatform.features.predicts import Predicts
from mlplatform.model_measures import Opponent

Answers = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Contest:
    """Labels and answers, row by row.

    Attributes:
        predicts: What the answers are.
        labels: As `features.labels.truth` gives them.
        mine: The candidate's answers, f32[rows] or f32[rows, outputs].
        theirs: The champion's; None where there is none, or it gave none that can be used.
        champion: It, with the reason where it gave none.
        same: Whether the champion is the candidate itself.
    """

    predicts: Predicts
    labels: NDArray[Any]
    mine: Answers
    theirs: Answers | None
    champion: Opponent | None
    same: bool

    @property
    def rows(self) -> int:
        """Test rows."""
        return len(self.labels)

    @property
    def unusable(self) -> int:
        """Rows without a usable answer of the candidate."""
        return _unusable(self.predicts, self.mine)

    @property
    def single(self) -> str:
        """Why these labels tell no model from another; empty where they do."""
        values = np.unique(self.labels)
        if len(values) != 1 or self.rows <= 1:
            return ""
        if self.predicts.task == "regression":
            return f"the label is {values[0]:g} on all {self.rows:,} test rows"
        return f"all {self.rows:,} test rows are of one class"

    @property
    def judgeable(self) -> bool:
        """Whether the candidate can be measured at all."""
        return self.rows > 0 and not self.unusable and not self.single


def contest(
    predicts: Predicts, scores: pa.Table, candidate: str, champion: Opponent | None
) -> Contest:
    """Return the two models of a table of scores, as `evaluate.assessment` makes it.

    A champion that is not in the table, or has a row without a usable answer, is `unscored`.

    Raises:
        KeyError: If the candidate is not in the table.
    """
    theirs = None
    if champion is not None and not champion.unscored:
        theirs, why = _usable(predicts, scores, champion.digest)
        champion = replace(champion, unscored=why)
    return Contest(
        predicts=predicts,
        labels=scores["label"].to_numpy(),
        mine=answers(scores, candidate),
        theirs=theirs,
        champion=champion,
        same=champion is not None and champion.digest == candidate,
    )


def right(predicts: Predicts, labels: NDArray[Any], said: Answers) -> NDArray[np.bool_]:
    """Return bool[rows]: whether a classifier's answer is the label."""
    return np.asarray(tasks.correct(predicts, labels, said) == 1)


def _usable(predicts: Predicts, scores: pa.Table, digest: str) -> tuple[Answers | None, str]:
    if digest not in scores.column_names:
        return None, "it was not scored on these rows"
    said = answers(scores, digest)
    if said.shape[1:] != predicts.width:
        return (
            None,
            f"it answers with {list(said.shape[1:])} numbers a row, not {list(predicts.width)}",
        )
    lacking = _unusable(predicts, said)
    if lacking:
        return None, f"{lacking:,} of {len(said):,} rows have no usable answer of it"
    return said, ""


def _unusable(predicts: Predicts, said: Answers) -> int:
    return len(said) - int(predicts.usable(said).sum()) if len(said) else 0
