"""A policy from a file: the `data_gates` section of a spec, alone or in a pipeline's defs.yaml."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from mlplatform.errors import SpecError
from mlplatform.spec.data_gates import DataGates
from mlplatform.spec.section import ColumnType, vector_width

SECTION = "data_gates"


def read_policy(path: Path, columns: Mapping[str, ColumnType]) -> DataGates:
    """Return the policy in `path`, which may name these columns.

    Raises:
        SpecError: If there is none, naming file and field.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as wrong:
        raise SpecError(f"{path}: no readable YAML: {' '.join(str(wrong).split())}") from None
    section = _section(document, path)
    try:
        gates = DataGates.model_validate(section or {})
    except ValidationError as wrong:
        first = wrong.errors()[0]
        field = ".".join([SECTION, *map(str, first["loc"])])
        raise SpecError(f"{path}: {field}: got {first['input']!r}; {first['msg']}") from None
    _names_known(gates, columns, path)
    return gates


def _section(document: Any, path: Path) -> Any:
    attributes = document.get("attributes", document) if isinstance(document, dict) else None
    if not isinstance(attributes, dict) or SECTION not in attributes:
        raise SpecError(f"{path}: has no section `{SECTION}:`")
    return attributes[SECTION]


def _names_known(gates: DataGates, columns: Mapping[str, ColumnType], path: Path) -> None:
    named: dict[str, Collection[str]] = {
        "missing_values.columns": gates.missing_values.columns,
        "value_ranges.columns": gates.value_ranges.columns,
        "value_ranges.domains": gates.value_ranges.domains,
        "distribution.ignore": gates.distribution.ignore,
        "label_leakage.allow": gates.label_leakage.allow,
        "sensitive_data.allow": gates.sensitive_data.allow,
    }
    for field, names in named.items():
        for name in names:
            if name not in columns:
                known = ", ".join(columns)
                raise SpecError(f"{path}: {SECTION}.{field} names {name!r}; columns: {known}")
            if field.startswith("value_ranges") and vector_width(columns[name]):
                raise SpecError(f"{path}: {SECTION}.{field} names {name!r}, a {columns[name]}")
