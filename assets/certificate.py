"""Release: a `certificate` that a registered model was made again from its record, and the job that makes one.

No run of other assets makes it: it trains a second time, so somebody asks for it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from assets.nouns import asset_key
from mlplatform.lake import Version
from mlplatform.provenance.certificate import TABLE, Certificate
from mlplatform.spec import Pipeline
from resources import (
    ROOT,
    ComputeResource,
    LakeResource,
    max_runtime,
    settings_from_environment,
)
from resources.mistakes import said_in_one_line

DESCRIPTION = (
    "Whether a registered model, made again from its recorded code, libraries and data, is the same:"
    " BIT_EXACT, ULP, METRICS or MISMATCH."
)


class ReproduceConfig(dg.Config):
    """What an operator may turn in the launchpad."""

    model: str = Field(
        default="champion",
        description="champion, challenger, previous, newest, a version of the registry, or how a digest begins.",
    )
    environment: str = Field(
        default="auto",
        description="auto: this interpreter if its libraries are the recorded ones, else one built from the "
        "recorded lock; reuse: as it is; build: built in any case.",
    )


def build(pipeline: Pipeline) -> dg.AssetSpec:
    """Return the pipeline's `certificate`, which Dagster shows and does not make."""
    return dg.AssetSpec(
        key=asset_key(pipeline, TABLE),
        deps=[asset_key(pipeline, "registered_model")],
        group_name="release",
        kinds={"deltalake", "jax"},
        owners=pipeline.spec.owners,
        description=DESCRIPTION,
        tags={"pipeline": pipeline.name},
    )


def job(pipeline: Pipeline) -> dg.JobDefinition:
    """Return the job that makes a registered model again and writes the certificate."""

    @dg.op(name=f"{pipeline.name}_made_again", out=dg.Out(dg.Nothing))
    def made_again(
        context: dg.OpExecutionContext,
        config: ReproduceConfig,
        lake: LakeResource,
        compute: ComputeResource,
    ) -> Iterator[dg.AssetMaterialization | dg.Output[None]]:
        with said_in_one_line():
            certificate, version = _made(context, config, pipeline, lake, compute)
        yield _event(pipeline, certificate, version)  # Also of one that the run then fails by.
        if not certificate.reproduced:
            raise dg.Failure(f"MISMATCH: {certificate.first_difference}", allow_retries=False)
        yield dg.Output(None)

    @dg.job(
        name=f"{pipeline.name}_reproduce",
        description=f"Makes a registered model of {pipeline.name} again; trains once more.",
        tags=max_runtime.tags(pipeline),
    )
    def reproduce() -> None:
        made_again()

    return reproduce


def _made(
    context: dg.OpExecutionContext,
    config: ReproduceConfig,
    pipeline: Pipeline,
    lake: LakeResource,
    compute: ComputeResource,
) -> tuple[Certificate, Version]:
    from mlplatform.provenance.interpreter import choice, tools
    from mlplatform.provenance.reproduce import Workshop, reproduce
    from mlplatform.rollout.find import DIGEST, find

    store = lake.open()
    digest = DIGEST.fullmatch(config.model)
    reference = config.model if digest else f"{pipeline.name}@{config.model}"
    workshop = Workshop(
        root=ROOT,
        lake=store,
        storage_options=lake.storage_options(),
        tools=tools(ROOT, Path(compute.compile_cache).parent),
        verify_key=settings_from_environment().verify_key,
        say=context.log.info,
    )
    found = find(store, [pipeline.name], reference)
    return reproduce(found, workshop, choice(config.environment))


def _event(
    pipeline: Pipeline, certificate: Certificate, version: Version
) -> dg.AssetMaterialization:
    details = certificate.details
    shown: dict[str, Any] = {
        "outcome": certificate.outcome,
        "model_version": certificate.model_version,
        "model_digest": certificate.model_digest,
        "first_difference": certificate.first_difference or "none",
        "code_version": certificate.code_version,
        "hardware_class": certificate.hardware_class,
        "environment": details["environment"]["how"],
        "seconds": certificate.seconds,
        "details": dg.MetadataValue.json(dict(details)),
        "delta/version": version.number,
    }
    if certificate.max_ulp is not None:
        shown["max_ulp"] = certificate.max_ulp
    return dg.AssetMaterialization(
        asset_key=asset_key(pipeline, TABLE),
        description=certificate.outcome,
        metadata=shown,
        tags={"dagster/data_version": version.reference, "delta/version": str(version.number)},
    )
