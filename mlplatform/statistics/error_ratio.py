"""How many times larger the mean error of one group is than that of another, and how sure that is.

Errors have a long tail on their large side, and so has the mean of few of them; its logarithm has less
of one. So the bounds of a ratio are those of the difference of logarithms, by the delta method and
Student's t with the smaller group's degrees of freedom. The lower bound of the largest ratio holds for
every pair of groups at once (Bonferroni); the upper one needs no correction, as in `group_gaps`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit  # type: ignore[import-untyped] # SciPy ships no types.

from mlplatform.statistics.gap_increase import Estimates
from mlplatform.statistics.group_gaps import Bools, Counts, Floats, Gap

REPLICATES = 2_000
ERROR = 0.05


@dataclass(frozen=True, eq=False)
class GroupErrors:
    """Of groups: rows, int[groups]; mean error of each model, f[groups, models]; covariance of the means."""

    rows: Counts
    mean: Floats
    covariance: Floats


def group_errors(errors: Floats, code: NDArray[np.int64], groups: int) -> GroupErrors:
    """Return what errors f[rows, models], none below 0, are in each group."""
    rows = np.bincount(code, minlength=groups)
    models = errors.shape[1]
    total = np.stack(
        [np.bincount(code, errors[:, m], minlength=groups) for m in range(models)], axis=1
    )
    mean = total / np.maximum(rows, 1)[:, None]
    off = errors - mean[code]
    covariance = np.zeros((groups, models, models))
    freedom = np.maximum(rows - 1, 1) * np.maximum(rows, 1)
    for one, other in np.ndindex(models, models):
        product = np.bincount(code, off[:, one] * off[:, other], minlength=groups)
        covariance[:, one, other] = product / freedom
    return GroupErrors(rows, mean, covariance)


def largest_ratio(seen: GroupErrors, judged: Bools, error: float) -> Gap:
    """Return the largest over the smallest mean error of the first model; NaN where one has none.

    `low` and `high` are places among the judged groups. `error` is how often the lower bound may be
    wrong; the upper one is at 95 %.
    """
    mean, rows = seen.mean[judged, 0], seen.rows[judged]
    low, high = int(mean.argmin()), len(mean) - 1 - int(mean[::-1].argmax())
    if not mean.min() > 0:
        none = float("nan")
        return Gap(observed=none, lower=none, upper=none, low=low, high=high)
    spread = seen.covariance[judged, 0, 0] / mean**2
    freedom = np.minimum(rows[:, None], rows) - 1
    pairs = max(len(mean) * (len(mean) - 1), 1)
    apart = np.subtract.outer(np.log(mean), np.log(mean))
    reach = np.sqrt(spread[:, None] + spread)
    below = apart - stdtrit(freedom, 1 - error / pairs) * reach
    above = apart + stdtrit(freedom, 1 - ERROR) * reach
    np.fill_diagonal(below, 0.0)
    np.fill_diagonal(above, 0.0)
    observed, lower, upper = (float(np.exp(of.max())) for of in (apart, below, above))
    return Gap(observed=observed, lower=lower, upper=upper, low=low, high=high)


def error_estimates(
    seen: GroupErrors, judged: Bools, error: float, seed: int = 0
) -> Sequence[Estimates]:
    """Return for each model the logarithms of the mean errors, with replicates drawn for all together.

    A mean of 0 has no logarithm; then there is none.
    """
    mean, covariance = seen.mean[judged], seen.covariance[judged]
    if not mean.min() > 0:
        return ()
    rng = np.random.default_rng(seed)
    relative = covariance / (mean[:, :, None] * mean[:, None, :])
    roots = np.stack([_root(of) for of in relative])
    normal = rng.standard_normal((REPLICATES, *mean.shape))
    off = np.einsum("rgm,gnm->rgn", normal, roots)
    reach = stdtrit(seen.rows[judged] - 1, 1 - error / (2 * len(mean)))
    found = []
    for model in range(mean.shape[1]):
        log, width = np.log(mean[:, model]), reach * np.sqrt(relative[:, model, model])
        found.append(Estimates(log, off[:, :, model], log - width, log + width))
    return found


def _root(covariance: Floats) -> Floats:
    """Return a square root of a matrix that may be singular: two models may err alike."""
    values, vectors = np.linalg.eigh(covariance)
    found: Floats = vectors * np.sqrt(np.maximum(values, 0.0))
    return found
