"""Who takes part, by name. A blend is of the settings that its members' own studies found."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from benchmarks.quality.contender import Contender
from benchmarks.quality.lightgbm_alone import LightGBM
from benchmarks.quality.platform import Ours

STUDIED = ("linear", "mlp", "tabm", "gbdt")
PER_TRIAL = ("lightgbm", *STUDIED)
BLENDED = ("gbdt", "tabm", "mlp")


def blend(weights: str, found: Mapping[str, Any]) -> Contender:
    """Return the blend of what a table's earlier contenders found, by fitted or equal weights.

    Raises:
        SystemExit: If one of its members has no study yet.
    """
    if lost := [name for name in BLENDED if name not in found]:
        raise SystemExit(f"blend needs the studies of {', '.join(lost)}; run them first")
    members = {name: found[name]["settings"] for name in BLENDED}
    return Ours("blend", {"members": members, "weights": weights})


def _ours(family: str, _: Mapping[str, Any]) -> Contender:
    return Ours(family)


CONTENDERS: dict[str, Callable[[Mapping[str, Any]], Contender]] = {
    "lightgbm": lambda _: LightGBM(),
    **{family: partial(_ours, family) for family in STUDIED},
    "blend": partial(blend, "fitted"),
    "blend_equal": partial(blend, "equal"),
}
