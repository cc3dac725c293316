"""Easy rows that a model has to get right: exact, since they are no sample of anything."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mlplatform.evaluate import behaviour_changes as changes
from mlplatform.evaluate.behaviour_seen import EXAMPLES, said
from mlplatform.evaluate.behaviour_trial import ROUNDING, Trial, UntriedError
from mlplatform.model_measures import CaseSeen
from mlplatform.spec.behaviour import Example, Minimum
from mlplatform.spec.label import Label


def minimum(case: Minimum, trial: Trial, label: Label) -> CaseSeen:
    """Try whether each example is answered as it says.

    Raises:
        UntriedError: If an example names an unknown column or class, or an answer is unusable.
    """
    rows = _table(case.examples, trial.all_rows.schema)
    answers = trial.ask(rows)
    # Two classes have their names in the rows only.
    other = _known(trial, label) if label.task == "binary" else ()
    wrong = [
        i
        for i, example in enumerate(case.examples)
        if not _right(example, trial, label, answers[i], other)
    ]
    return CaseSeen(
        name=case.name,
        kind=case.kind,
        tried=len(rows),
        failed=len(wrong),
        max_share=case.max_share,
        lower=len(wrong) / len(rows),
        upper=len(wrong) / len(rows),
        worst=_words(case.examples[wrong[0]], trial, answers[wrong[0]]) if wrong else "",
        examples=[
            {
                "row": {name: said(value) for name, value in case.examples[i].row.items()},
                "after": trial.told(answers[i]),
                "wanted": _wanted(case.examples[i]),
            }
            for i in wrong[:EXAMPLES]
        ],
    )


def _table(examples: Sequence[Example], schema: pa.Schema) -> pa.Table:
    """Return the examples as rows; what they do not name is missing."""
    unknown = [name for one in examples for name in one.row if name not in schema.names]
    if unknown:
        raise UntriedError(f"the test rows have no column {unknown[0]!r}")
    columns = {}
    for field in schema:
        each = [
            changes.constant(one.row.get(field.name), field.type, 1, field.name) for one in examples
        ]
        if pa.types.is_dictionary(field.type):
            each = [part.cast(field.type.value_type) for part in each]
        columns[field.name] = pa.concat_arrays(each)
    return pa.table(columns)


def _right(
    example: Example,
    trial: Trial,
    label: Label,
    answer: NDArray[np.float64],
    known: Sequence[str],
) -> bool:
    if label.task == "multiclass":
        if example.answer not in label.classes:
            raise UntriedError(f"there is no class {example.answer!r}")
        return bool(label.classes[int(answer.argmax())] == example.answer)
    number = float(answer[len(answer) // 2])  # Of quantiles the middle one.
    near = ROUNDING * trial.deviation
    within = (example.at_least is None or number >= example.at_least - near) and (
        example.at_most is None or number <= example.at_most + near
    )
    if example.answer is None:
        return within
    if example.answer not in known:
        raise UntriedError(f"there is no class {example.answer!r}; classes: {', '.join(known)}")
    positive = bool(trial.classes(answer[None])[0])
    return within and positive == (example.answer == label.positive)


def _known(trial: Trial, label: Label) -> list[str]:
    """Return the names of two classes, as the rows have them."""
    if label.column not in trial.all_rows.column_names:
        return [label.positive]
    values = pc.drop_null(pc.unique(trial.all_rows[label.column]))
    return sorted({label.positive, *values.cast(pa.string()).to_pylist()})


def _words(example: Example, trial: Trial, answer: NDArray[np.float64]) -> str:
    row = ", ".join(f"{name} {said(value)}" for name, value in example.row.items())
    return f"{row}: {trial.answer} {trial.told(answer)}, {_wanted(example)} was wanted"


def _wanted(example: Example) -> str:
    wanted = [
        *([f"{example.answer!r}"] if example.answer is not None else []),
        *([f"at least {example.at_least:g}"] if example.at_least is not None else []),
        *([f"at most {example.at_most:g}"] if example.at_most is not None else []),
    ]
    return " and ".join(wanted)
