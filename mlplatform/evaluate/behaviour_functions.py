"""Runs the cases of a pipeline's `behaviour.py`."""

import hashlib
from typing import Any

from numpy.typing import NDArray

from mlplatform.errors import SpecError
from mlplatform.evaluate.behaviour_seen import EXAMPLES, said
from mlplatform.evaluate.behaviour_trial import Trial, UntriedError
from mlplatform.evaluate.cases import MARK, BehaviourModel, Declared, Result
from mlplatform.model_measures import CaseSeen
from mlplatform.spec import Pipeline
from mlplatform.spec.code import line_of, run_file
from mlplatform.validate.sensitive import scrubbed

KIND = "function"


def functions_of(pipeline: Pipeline) -> list[Declared]:
    """Return the cases that the pipeline's file declares, in its order; none without a file.

    Raises:
        SpecError: Naming file and line, if it is missing, fails, declares no case or one twice.
    """
    if not pipeline.spec.behaviour.functions:
        return []
    path = pipeline.folder / pipeline.spec.behaviour.functions
    if not path.is_file():
        raise SpecError(f"{path}: not found; behaviour.functions names it")
    try:
        module = run_file(path, f"behaviour of {pipeline.name}".replace("/", "_"))
    except Exception as wrong:
        raise SpecError(f"{path}:{line_of(wrong, path)}: {_told(wrong)}") from None
    found = [getattr(value, MARK) for value in vars(module).values() if hasattr(value, MARK)]
    if not found:
        raise SpecError(f"{path}: no function has the decorator @case('…'); see docs/behaviour.md")
    names = [one.name for one in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SpecError(f"{path}: two cases are called {twice!r}; rename one")
    return found


def functions_digest(pipeline: Pipeline) -> str:
    """Return a sha256 of the file with the pipeline's own cases: a verdict by others is none."""
    name = pipeline.spec.behaviour.functions
    path = pipeline.folder / name
    content = path.read_bytes() if name and path.is_file() else b""
    return hashlib.sha256(content).hexdigest()


def by_function(declared: Declared, trial: Trial, labels: NDArray[Any]) -> CaseSeen:
    """Try one case.

    Raises:
        UntriedError: If it answers with no `Result`, or tries nothing; and as `Trial.ask`.
    """
    _ = trial.before  # Without rows, or usable answers to them, no case has anything to go by.
    result = declared.function(BehaviourModel(labels[trial.sample], trial))
    if not isinstance(result, Result):
        raise UntriedError(f"it returned {type(result).__name__}; return a Result")
    if not 0 <= result.failed <= result.tried or not result.tried:
        raise UntriedError(f"it says that {result.failed} of {result.tried} tries failed")
    share = result.failed / result.tried
    return CaseSeen(
        name=declared.name,
        kind=KIND,
        tried=result.tried,
        failed=result.failed,
        max_share=declared.max_share,
        lower=share,
        upper=share,
        worst=scrubbed(" ".join(result.worst.split())) if result.failed else "",
        examples=[
            {str(name): said(value) for name, value in example.items()}
            for example in list(result.examples)[:EXAMPLES]
        ],
    )


def _told(wrong: Exception) -> str:
    said = wrong.msg if isinstance(wrong, SyntaxError) else str(wrong)
    first = said.splitlines()[0] if said else ""
    return first if isinstance(wrong, SpecError) else f"{type(wrong).__name__}: {first}"
