"""Policies that differ where they are in force: what a laptop may warn of, production may refuse."""

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import Field, ValidationError

from mlplatform.errors import SpecError
from mlplatform.spec.section import Gate, Section

if TYPE_CHECKING:
    from mlplatform.spec.model import PipelineSpec

SECTIONS = ("data_gates", "feature_gates", "model_gates")
AnySection = TypeVar("AnySection", bound=Section)


class Environment(Section):
    """What one environment changes of the gates; what it does not name stays."""

    data_gates: dict[str, dict[str, Any]] = Field(default={})
    feature_gates: dict[str, dict[str, Any]] = Field(default={})
    model_gates: dict[str, dict[str, Any]] = Field(default={})


def in_environment(spec: "PipelineSpec", name: str) -> "PipelineSpec":
    """Return the spec as it is in the environment called `name`: its gates, field by field, over the spec's.

    A spec that declares no environments is the same in all of them, and so is one without a name.

    Raises:
        SpecError: If the spec declares environments, and none of this name.
    """
    if not name or not spec.environments:
        return spec
    if name not in spec.environments:
        known = ", ".join(spec.environments)
        raise SpecError(
            f"{spec.name}: MLPLATFORM_ENVIRONMENT is {name!r}, which environments does not declare; "
            f"known: {known}"
        )
    return merged(spec, name)


def merged(spec: "PipelineSpec", name: str) -> "PipelineSpec":
    """Return the spec with the gates of one declared environment, validated as if written so.

    Raises:
        ValueError: Naming `environments.<name>.<section>.<gate>.<field>`, what it is and what was
            expected.
    """
    changed: dict[str, Any] = {
        section: _section(getattr(spec, section), getattr(spec.environments[name], section), where)
        for section, where in ((each, f"environments.{name}.{each}") for each in SECTIONS)
    }
    said = {field: getattr(spec, field) for field in spec.model_fields_set - {"environments"}}
    try:
        return type(spec).model_validate({**said, **changed})
    except ValidationError as wrong:
        raise ValueError(f"environments.{name}: {_said(wrong)}") from None


def _section(section: AnySection, changes: dict[str, dict[str, Any]], where: str) -> AnySection:
    gates = {gate: value for gate, value in section if isinstance(value, Gate)}
    unknown = [gate for gate in changes if gate not in gates]
    if unknown:
        raise ValueError(f"{where}.{unknown[0]}: no such gate; known: {', '.join(gates)}")
    made = {g: _gate(gates[g], fields, f"{where}.{g}") for g, fields in changes.items()}
    return section.model_copy(update=made) if made else section


def _gate(gate: Gate, fields: dict[str, Any], where: str) -> Gate:
    said = {field: getattr(gate, field) for field in gate.model_fields_set}
    try:
        return type(gate).model_validate({**said, **fields})
    except ValidationError as wrong:
        problem = wrong.errors()[0]
        path = ".".join([where, *(str(part) for part in problem["loc"])])
        if problem["type"] == "extra_forbidden":
            known = ", ".join(type(gate).model_fields)
            raise ValueError(f"{path}: no such field; known: {known}") from None
        if problem["type"] == "value_error":
            raise ValueError(f"{path}: {problem['ctx']['error']}") from None
        raise ValueError(f"{path}: got {problem['input']!r}; {problem['msg']}") from None


def _said(wrong: ValidationError) -> str:
    problem = wrong.errors()[0]
    return str(problem["ctx"]["error"] if problem["type"] == "value_error" else problem["msg"])
