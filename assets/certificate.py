"""Release: a `certificate` that a registered model was made again from its record, and the job that makes one.

A run of all assets makes none: it trains a second time, so somebody asks for it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from assets.nouns import asset_key
from mlplatform.lake import Version
from mlplatform.provenance.certificate import TABLE, Certificate, sentence
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
        default="",
        description="champion, challenger, previous, newest, a version of the registry, or how a digest begins; "
        "left empty, nothing is made again.",
    )
    environment: str = Field(
        default="auto",
        description="auto: this interpreter if its libraries are the recorded ones, else one built from the "
        "recorded lock; reuse: as it is; build: built in any case.",
    )


def build(pipeline: Pipeline) -> dg.AssetsDefinition:
    """Return the pipeline's `certificate`, which a run makes only of a model that it names."""

    @dg.asset(
        key=asset_key(pipeline, TABLE),
        deps=[asset_key(pipeline, "registered_model")],
        group_name="release",
        kinds={"deltalake", "jax"},
        owners=pipeline.spec.owners,
        description=DESCRIPTION,
        tags={"pipeline": pipeline.name},
        output_required=False,
    )
    def certificate(
        context: dg.AssetExecutionContext,
        config: ReproduceConfig,
        lake: LakeResource,
        compute: ComputeResource,
    ) -> Iterator[dg.MaterializeResult[None]]:
        if not config.model:
            asks = f"the job {_job_name(pipeline)}, or `model` in the launchpad, asks for it"
            context.log.info("no model is made again: %s", asks)
            return
        with said_in_one_line():
            made, version = _made(context, config, pipeline, lake, compute)
        context.log.info("%s: %s", made.outcome, sentence(made))
        yield _result(made, version)  # Also of one that the run then fails by.
        if not made.reproduced:
            raise dg.Failure(f"MISMATCH: {made.first_difference}", allow_retries=False)

    return certificate


def job(pipeline: Pipeline) -> "dg.UnresolvedAssetJobDefinition":
    """Return the job that makes the live model again and writes the certificate."""
    key = asset_key(pipeline, TABLE)
    return dg.define_asset_job(
        name=_job_name(pipeline),
        selection=dg.AssetSelection.assets(key),
        config={"ops": {key.to_python_identifier(): {"config": {"model": "champion"}}}},
        description=f"Makes a registered model of {pipeline.name} again; trains once more.",
        tags=max_runtime.tags(pipeline),
    )


def _job_name(pipeline: Pipeline) -> str:
    return f"{pipeline.name}_reproduce"


def _made(
    context: dg.AssetExecutionContext,
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
    settings = settings_from_environment()
    workshop = Workshop(
        root=ROOT,
        lake=store,
        storage_options=lake.storage_options(),
        tools=tools(ROOT, Path(compute.compile_cache).parent),
        verify_key=settings.verify_key,
        environment=settings.environment,
        say=context.log.info,
    )
    found = find(store, [pipeline.name], reference)
    return reproduce(found, workshop, choice(config.environment))


def _result(certificate: Certificate, version: Version) -> dg.MaterializeResult[None]:
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
    return dg.MaterializeResult(
        metadata=shown,
        data_version=dg.DataVersion(version.reference),
        tags={"delta/version": str(version.number)},
    )
