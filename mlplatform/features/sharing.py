"""Feature sets in files: run where a pipeline, or another feature set, names them."""

import hashlib
import os
import sys
from pathlib import Path

from mlplatform.errors import SpecError
from mlplatform.features.declare import FeatureSet
from mlplatform.spec.code import line_of, run_file


def load_features(path: str) -> FeatureSet:
    """Return the feature set of another file, for a `features.py` that builds on it.

    As in `load_features("../../feature_sets/people.py").only("age", "city")`.

    Args:
        path: Relative to the file that calls this.

    Raises:
        SpecError: If the file is missing, fails, or defines no `features`.
    """
    here = sys._getframe(1).f_globals.get("__file__", "")  # noqa: SLF001 - whose path it is relative to.
    return feature_set(Path(here).parent / path)


def feature_set(path: Path) -> FeatureSet:
    """Return the `features` that a file defines. The file runs anew: an edit shows at once.

    Raises:
        SpecError: Naming file and line, if it is missing, fails, builds on itself, or defines none.
    """
    path = Path(os.path.normpath(path))
    if not path.is_file():
        raise SpecError(f"{path}: not found; a pipeline's features are declared there")
    # Another name for each file: two may both be called features.py while one builds on the other.
    owner = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]
    if f"mlplatform_of_{owner}.{path.stem}" in sys.modules:
        raise SpecError(f"{path}: builds on itself; move what both files need into a third")
    try:
        features = getattr(run_file(path, owner), "features", None)
    except Exception as wrong:
        raise SpecError(f"{path}:{line_of(wrong, path)}: {_said(wrong)}") from None
    if not isinstance(features, FeatureSet):
        raise SpecError(f"{path}: define `features = FeatureSet([...])`")
    return features


def _said(wrong: Exception) -> str:
    said = wrong.msg if isinstance(wrong, SyntaxError) else str(wrong)
    first = said.splitlines()[0] if said else ""
    return first if isinstance(wrong, SpecError) else f"{type(wrong).__name__}: {first}"
