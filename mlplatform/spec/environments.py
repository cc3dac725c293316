"""Policies that differ where they are in force: what a laptop may warn of, production may refuse."""

from typing import Any

from pydantic import Field

from mlplatform.spec.section import Section

SECTIONS = ("data_gates", "feature_gates", "model_gates")


class Environment(Section):
    """What one environment changes of the gates; what it does not name stays."""

    data_gates: dict[str, dict[str, Any]] = Field(default={})
    feature_gates: dict[str, dict[str, Any]] = Field(default={})
    model_gates: dict[str, dict[str, Any]] = Field(default={})
