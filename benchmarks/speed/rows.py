"""Adult as 116 numbers a row: 102 categories one-hot, 5 numbers standardised, and 9 bands of age."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.tables.ours import ADULT, ADULT_NUMBERS, ADULT_TEXTS, census

WIDTH = 116
TEXTS = (*ADULT_TEXTS, "education")
BANDS = 9


def rows() -> dict[str, np.ndarray]:
    """Return x f32[32561, 116], y f32[32561] of 0 and 1, and the official test rows as test_x, test_y."""
    train, test = (census(ADULT / name, TEXTS) for name in ("adult.data.gz", "adult.test.gz"))
    found = {}
    for prefix, part in (("", train), ("test_", test)):
        found[f"{prefix}x"] = _x(part, train)
        found[f"{prefix}y"] = np.array(part["income"].to_pylist(), np.float32)
    return found


def stored(folder: Path) -> Path:
    """Write the rows where the peers read them."""
    path = folder / "rows.npz"
    np.savez(path, **rows())
    return path


def _x(part: pa.Table, train: pa.Table) -> np.ndarray:
    made = []
    for name in ADULT_NUMBERS:
        known = train[name].to_numpy()
        made.append(((part[name].to_numpy() - known.mean()) / known.std())[:, None])
    for name in TEXTS:
        vocabulary = np.array(sorted(set(train[name].to_pylist())))
        made.append(np.array(part[name].to_pylist())[:, None] == vocabulary)
    cuts = np.quantile(train["age"].to_numpy(), np.linspace(0, 1, BANDS + 1)[1:-1])
    made.append(np.digitize(part["age"].to_numpy(), cuts)[:, None] == np.arange(BANDS))
    x = np.concatenate(made, axis=1).astype(np.float32)
    assert x.shape[1] == WIDTH  # noqa: S101 - the network's figures are of this width
    return x
