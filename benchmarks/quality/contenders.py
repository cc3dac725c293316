"""Who takes part, by name. Each is made with what the table's earlier contenders found."""

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.quality.contender import Contender
from benchmarks.quality.lightgbm_alone import LightGBM

PER_TRIAL = ("lightgbm", "linear", "mlp", "tabm", "gbdt")  # A blend is of settings found by these.

CONTENDERS: dict[str, Callable[[Mapping[str, Any]], Contender]] = {
    "lightgbm": lambda _: LightGBM(),
}
