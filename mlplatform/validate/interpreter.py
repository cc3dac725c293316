"""Which Python runs TFDV: its own environment beside the checkout, else this one."""

import importlib.util
import sys
from pathlib import Path

from mlplatform.errors import WorkerError

ENVIRONMENT = ".venv-tfdv"
MODULE = "tensorflow_data_validation"


def find(explicit: Path | None, root: Path) -> Path:
    """Return the interpreter named, else that of `root`'s TFDV environment, else the running one.

    Raises:
        WorkerError: If the one named does not exist, or none has TFDV.
    """
    if explicit is not None:
        return _existing(explicit)
    beside = root / ENVIRONMENT / "bin" / "python"
    if beside.exists():
        return beside
    if importlib.util.find_spec(MODULE) is not None:
        return Path(sys.executable)
    raise WorkerError(f"no interpreter with TFDV: {beside} does not exist; run `make install`")


def _existing(python: Path) -> Path:
    if not python.is_file():
        raise WorkerError(
            f"TFDV interpreter {python}: no such file; correct the setting or run `make install`"
        )
    return python
