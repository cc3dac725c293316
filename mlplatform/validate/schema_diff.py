"""What changed between two schemas, in words, for whoever accepts one."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mlplatform.validate.proto import parse

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0 import schema_pb2

SHOWN = 5  # Values named one by one; of more, the number is said.
IN_WORDS = frozenset({"name", "type", "presence", "domain"})  # The rest is shown as it is written.


def diff(old: bytes, new: bytes) -> list[str]:
    """Return one line a difference, column by column in the old schema's order, then new columns.

    Raises:
        WorkerError: If one of them is no serialized Schema.
    """
    before, after = parse("Schema", old), parse("Schema", new)
    olds = {feature.name: feature for feature in before.feature}
    news = {feature.name: feature for feature in after.feature}
    lines = []
    for name, feature in olds.items():
        if name in news:
            lines += [f"{name}: {said}" for said in _changes(before, feature, after, news[name])]
        else:
            lines.append(f"{name}: gone (was {_in_short(before, feature)})")
    lines += [f"{name}: new, {_in_short(after, f)}" for name, f in news.items() if name not in olds]
    return lines + _of_the_whole(before, after)


def _changes(
    before: "schema_pb2.Schema",
    old: "schema_pb2.Feature",
    after: "schema_pb2.Schema",
    new: "schema_pb2.Feature",
) -> Iterator[str]:
    if old.type != new.type:
        yield f"type {_type(new)} instead of {_type(old)}"
    yield from _of_domain(_values(before, old), _values(after, new))
    if old.presence != new.presence:
        yield f"{_presence(new)} instead of {_presence(old)}"
    fields = sorted({f.name for f, _ in (*old.ListFields(), *new.ListFields())} - IN_WORDS)
    for field in fields:
        was, now = _shown(old, field), _shown(new, field)
        if was != now:
            yield f"{field} {now} instead of {was}"


def _of_domain(old: list[str] | None, new: list[str] | None) -> Iterator[str]:
    if old is None or new is None:
        if old != new:
            yield f"{_domain(new)} instead of {_domain(old)}"
        return
    added = [value for value in new if value not in old]
    removed = [value for value in old if value not in new]
    if added:
        yield f"values added: {_listed(added)}"
    if removed:
        yield f"values removed: {_listed(removed)}"


def _of_the_whole(before: "schema_pb2.Schema", after: "schema_pb2.Schema") -> list[str]:
    said = []
    for field in ("default_environment", "dataset_constraints"):
        was, now = _shown(before, field), _shown(after, field)
        if was != now:
            said.append(f"the table: {field} {now} instead of {was}")
    return said


def _in_short(schema: "schema_pb2.Schema", feature: "schema_pb2.Feature") -> str:
    return f"{_type(feature)}, {_domain(_values(schema, feature))}, {_presence(feature)}"


def _type(feature: "schema_pb2.Feature") -> str:
    from tensorflow_metadata.proto.v0 import schema_pb2

    return str(schema_pb2.FeatureType.Name(feature.type))


def _values(schema: "schema_pb2.Schema", feature: "schema_pb2.Feature") -> list[str] | None:
    if feature.HasField("string_domain"):
        return list(feature.string_domain.value)
    if not feature.domain:
        return None
    found = (list(d.value) for d in schema.string_domain if d.name == feature.domain)
    return next(found, None)


def _domain(values: list[str] | None) -> str:
    return "any value" if values is None else f"one of {_listed(values)}"


def _presence(feature: "schema_pb2.Feature") -> str:
    share, least = feature.presence.min_fraction, feature.presence.min_count
    if share:
        return f"present in {share:.4g} of the rows or more"
    return f"present in {least} rows or more" if least else "present or not"


def _listed(values: list[str]) -> str:
    shown = ", ".join(map(repr, values[:SHOWN]))
    return shown if len(values) <= SHOWN else f"{shown} and {len(values) - SHOWN} more"


def _shown(message: Any, field: str) -> str:
    """Return a field's content in one line of text format, or `nothing`."""
    said = {descriptor.name: value for descriptor, value in message.ListFields()}
    if field not in said:
        return "nothing"
    value = said[field]
    many = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    return ", ".join(map(_line, value)) if many else _line(value)


def _line(value: Any) -> str:
    return " ".join(str(value).split()) or "anything"
