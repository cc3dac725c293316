"""Gradient-boosted trees: LightGBM grows them, and a program of JAX predicts with them.

A booster's trees (`trees`) are cut into pieces of at most 31 leaves (`pieces`), the pieces laid out as
arrays (`arrays`), and those answer for many rows at once (`program`).
"""

from mlplatform.train.gbdt.fit import fit_gbdt

__all__ = ["fit_gbdt"]
