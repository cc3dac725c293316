"""Whether two programs say the same of some rows."""

from typing import TYPE_CHECKING

import numpy as np

from mlplatform.errors import RegistryError
from mlplatform.statistics.ulps import ulps

if TYPE_CHECKING:
    import pyarrow as pa

    from mlplatform.features.program import Predictor

MOST_ULP = 8  # As the same program may differ between batch sizes; 4 were seen.
BATCH_ROWS = 65_536


def apart(old: "Predictor", new: "Predictor", rows: "pa.Table", name: str) -> int:
    """Return the most ulp between what two programs say of the rows; features have to be equal bits.

    Raises:
        RegistryError: Naming the first row of which they do not say the same.
    """
    most = 0
    for start in range(0, rows.num_rows, BATCH_ROWS):
        encoded = old.encoder.encode(rows.slice(start, BATCH_ROWS))
        before, after = old.everything(encoded), new.everything(encoded)
        for what, one, other in zip(("vectors", "ids"), before[1:], after[1:], strict=True):
            if one.tobytes() != other.tobytes():
                differs = (one != other).any(axis=1) & ~np.isnan(one).all(axis=1)
                raise _refusal(name, start + int(differs.argmax()), f"its {what} are other bits")
        ulp = int(ulps(before[0], after[0]).max(initial=0))
        if ulp > MOST_ULP:
            each = (before[0] != after[0]).reshape(len(before[0]), -1).any(axis=1)
            raise _refusal(name, start + int(each.argmax()), f"answers lie {ulp} ulp apart")
        most = max(most, ulp)
    return most


def _refusal(name: str, row: int, why: str) -> RegistryError:
    return RegistryError(
        f"{name}: exported anew it does not say the same: {why}, first at test row {row}, "
        f"{MOST_ULP} ulp are allowed; nothing was written, train again"
    )
