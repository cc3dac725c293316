"""Exports a model's program anew by today's JAX, and proves that it still says the same.

What comes of it is a version of `<pipeline>/model` like any other: the ordinary gates judge it, and it is registered
as a version of its own. Its commit says what it was made from.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlplatform.errors import CorruptionError, RegistryError
from mlplatform.registry.same_answers import apart

if TYPE_CHECKING:
    import pyarrow as pa

    from mlplatform.features.program import Predictor
    from mlplatform.lake import Lake, Version
    from mlplatform.registry.find import Found

FACT, FROM_FACT = "recertified", "recertified_from"  # Of the commit; the second is a digest.
TRAINED_CODE = "trained_code"  # The version of what trained; the commit's own is whose exported.
INPUTS = ("dataset", "split", "features")
NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, kw_only=True)
class Recertified:
    """What came of it.

    Attributes:
        version: Of `<pipeline>/model`.
        digest: The new artifact.
        jax: Which exported the old and the new program.
        rows: Test rows that both answered.
        ulp: The most that two answers lie apart.
    """

    version: "Version"
    digest: str
    jax: tuple[str, str]
    rows: int
    ulp: int


def recertify(
    lake: "Lake",
    found: "Found",
    *,
    by: str,
    at: datetime,
    code: str,
    facts: Mapping[str, str] = NOTHING,
    verify_key: Path | None = None,
    again: bool = False,
) -> Recertified:
    """Return the new version of a registered model, written to `<pipeline>/model`.

    Args:
        lake: Holds the model and its rows.
        found: The model.
        by: Who asks.
        at: When.
        code: The code version of who exports; it becomes the commit's.
        facts: What else the commit says of who exports, such as installed libraries.
        verify_key: The model has to be signed by this key, if there is one.
        again: Also if today's JAX exported it.

    Raises:
        RegistryError: If today's JAX exported it, newer rows are in the lake than it was made from, or the two
            programs do not say the same of every test row.
        SignatureError: If it is not signed by `verify_key`, or signed differently.
        CorruptionError: If a file of it is code, or it does not load in a process of its own.
        LakeError: If something is missing or damaged, or today's JAX cannot read the program any more.
    """
    import jax

    from mlplatform.features.program import Predictor
    from mlplatform.lake.manifest import FILE as MANIFEST
    from mlplatform.registry.age import exported_by
    from mlplatform.registry.probe import require_loads

    digest = found.record.model_digest
    contents = _admitted(lake, found, verify_key)
    before = exported_by(lake, digest)
    if before == jax.__version__ and not again:
        raise RegistryError(
            f"{_name(found)} was exported by JAX {before}, as installed; nothing to do"
        )
    _require_newest(lake, found)
    require_loads(contents, _name(found))
    del contents[MANIFEST]
    old = Predictor.load(_Files(contents))
    files = exported_anew(contents, old)
    new = Predictor.load(_Files(files))
    rows = _test_rows(lake, found, old)
    ulp = apart(old, new, rows, _name(found))
    stored = lake.artifacts.put(files)
    told: dict[str, Any] = {"by": by, "at": at.isoformat(), "jax": [before, jax.__version__]}
    told |= {"rows": rows.num_rows, "max_ulp": ulp}
    version = _written(lake, found, stored, told, code, facts)
    return Recertified(
        version=version, digest=stored, jax=(before, jax.__version__), rows=rows.num_rows, ulp=ulp
    )


def _admitted(lake: "Lake", found: "Found", verify_key: Path | None) -> dict[str, bytes]:
    """Return the files of a model with their manifest, asked for all that registering and loading ask.

    Raises:
        PlatformError: Saying what is wrong with it.
    """
    from mlplatform.registry import hostile, signing

    artifact = lake.artifacts.open(found.record.model_digest)
    signing.require(lake, artifact.digest, verify_key)
    artifact.require_nothing_else()
    contents = artifact.contents()
    hostile.check(contents, artifact.uri)
    return contents


def heir(lake: "Lake", table: str, inputs: Mapping[str, str], code: str) -> "Version | None":
    """Return the newest version of a `model` table if it stands for a training, exported anew by today's JAX.

    Args:
        lake: Holds the table.
        table: `<pipeline>/model`.
        inputs: Tables and `Version.reference`s that a training would read.
        code: Digest of the pipeline's own code, as the commit's facts name it.
    """
    newest = lake.table(table).latest()
    if newest is None or FACT not in newest.lineage.facts:
        return None
    import jax

    told, read = json.loads(newest.lineage.facts[FACT]), newest.lineage.inputs
    same = {name: _content(each) for name, each in read.items()}
    if same != {name: _content(each) for name, each in inputs.items()}:
        return None
    of_code = newest.lineage.facts.get("pipeline_code") == code
    return newest if of_code and told["jax"][1] == jax.__version__ else None


def exported_anew(contents: Mapping[str, bytes], predictor: "Predictor") -> dict[str, bytes]:
    """Return the files of a model with its program exported by today's JAX; weights and features stay."""
    import jax

    from mlplatform.features.mlflow_model import mlflow_files
    from mlplatform.features.program_export import deserialized, serialized

    signed = replace(predictor.signature, jax=jax.__version__)
    takes = (*signed.params, *signed.encoded)
    program = deserialized(
        contents["program.stablehlo"], "program.stablehlo", takes, signed.outputs
    )
    params = {tensor.name: tensor for tensor in signed.params}
    return {
        **contents,
        "program.stablehlo": serialized(program.call, params, *signed.encoded),
        "signature.json": signed.to_json(),
        **mlflow_files(predictor.encoder, signed),
    }


@dataclass(frozen=True)
class _Files:
    """Files in memory, to be loaded before they are stored."""

    content: Mapping[str, bytes]

    def read(self, name: str) -> bytes:
        """Return one file."""
        return self.content[name]


def _require_newest(lake: "Lake", found: "Found") -> None:
    """Refuse a model that its gates could not judge: they judge on the newest rows.

    Raises:
        RegistryError: Naming the table that has newer content.
    """
    for noun in INPUTS:
        name = f"{found.pipeline}/{noun}"
        newest, read = lake.table(name).latest(), found.model.lineage.inputs.get(name, "")
        if newest is None or _content(newest.reference) != _content(read):
            there = newest.reference if newest else "nothing"
            raise RegistryError(
                f"{_name(found)} was made from {name} {read}, and the newest is {there}, on which gates judge; "
                "train again, which exports anew"
            )


def _content(reference: str) -> str:
    return reference.partition(":")[2]


def _test_rows(lake: "Lake", found: "Found", predictor: "Predictor") -> "pa.Table":
    """Return the test rows on record, with what they look up."""
    from mlplatform.evaluate.looked_up import Scorer
    from mlplatform.ingest.split import TEST, rows_of

    dataset, split = (_read(lake, found, noun) for noun in ("dataset", "split"))
    rows = rows_of(TEST, *(lake.table(each.table).read(each) for each in (dataset, split)))
    looked_up = None
    if predictor.encoder.aggregates:
        looked_up = _read(lake, found, "aggregates")
    if rows.num_rows == 0:
        raise RegistryError(f"{_name(found)} has no test rows to be held against; train again")
    return Scorer(predictor, lake, looked_up).filled(rows)


def _read(lake: "Lake", found: "Found", noun: str) -> "Version":
    """Return the version of a table that is on record as what the model was made from.

    Raises:
        CorruptionError: If there is none of that content any more.
    """
    name = f"{found.pipeline}/{noun}"
    reference = found.record.data_versions.get(name, "")
    number = reference.partition(":")[0]
    if not number.isdecimal():
        raise CorruptionError(f"{_name(found)} names no version of {name}; train again")
    version = lake.table(name).version(int(number))
    if version.reference != reference:
        raise CorruptionError(f"{name} {reference} is {version.reference} now; it was made anew")
    return version


def _written(
    lake: "Lake",
    found: "Found",
    digest: str,
    told: Mapping[str, Any],
    code: str,
    more: Mapping[str, str],
) -> "Version":
    """Write the row of the old version with the new digest; everything else on record stays."""
    import pyarrow as pa

    table = lake.table(found.model.table)
    rows = table.read(found.model)
    at = rows.schema.get_field_index("model_digest")
    rows = rows.set_column(
        at, rows.schema.field(at), pa.array([digest], rows.schema.field(at).type)
    )
    before = found.model.lineage
    facts = {
        **before.facts,
        **more,
        "artifact": digest,
        TRAINED_CODE: before.facts.get(TRAINED_CODE, before.code_version),
        FROM_FACT: found.record.model_digest,
        FACT: json.dumps(told, sort_keys=True),
    }
    newest = table.latest()
    return table.overwrite(
        rows,
        replace(before, run_id=f"cli-{told['by']}", code_version=code, facts=facts),
        expected=newest.number if newest else None,
    )


def _name(found: "Found") -> str:
    return f"{found.pipeline} version {found.record.model_version}"
