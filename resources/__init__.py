"""Where things run. The environment enters the code location here and nowhere else."""

import os
from pathlib import Path
from typing import Any

import dagster as dg

from mlplatform.settings import MLFLOW_URI, Settings
from resources.access import AccessResource
from resources.alerts import AlertsResource
from resources.compute import ComputeResource
from resources.features import FeatureEngineResource
from resources.lake import LakeResource, LakeVersions
from resources.mlflow import MlflowResource
from resources.tfdv import TfdvResource

ROOT = Path(__file__).resolve().parents[1]


def settings_from_environment() -> Settings:
    """Return the settings of this process, with defaults in the checkout."""
    return Settings.from_environment(os.environ, ROOT)


def for_settings(settings: Settings) -> dict[str, Any]:
    """Return the resources every asset, check and sensor asks for by name."""
    key, shared = str(settings.signing_key or ""), settings.processes
    lake = LakeResource(root=settings.lake, signing_key=key)
    return {
        "lake": lake,
        "access": AccessResource(),
        "io_manager": LakeVersions(lake=lake),
        "tfdv": TfdvResource(
            python=str(settings.tfdv_python or ""),
            checkout=str(settings.root),
            log=str(settings.worker_log),
            beam=list(settings.tfdv_beam),
        ),
        "mlflow": MlflowResource(
            tracking_uri=dg.EnvVar(MLFLOW_URI)
            if os.environ.get(MLFLOW_URI)
            else settings.mlflow_uri,
            artifacts=settings.mlflow_artifacts,
            logs=str(settings.training_logs),
        ),
        "engine": FeatureEngineResource(engine=settings.engine, ray_address=settings.ray_address),
        "compute": ComputeResource(
            compile_cache=str(settings.compile_cache),
            checkpoints=str(settings.checkpoints),
            studies=str(settings.studies),
            devices=settings.devices,
            one_process=settings.executor == "in_process",
            coordinator=shared.coordinator if shared else "",
            processes=shared.count if shared else None,
            process=shared.number if shared else None,
        ),
        "alerts": AlertsResource(log=str(settings.alert_log)),
    }


__all__ = [
    "AccessResource",
    "AlertsResource",
    "ComputeResource",
    "FeatureEngineResource",
    "LakeResource",
    "LakeVersions",
    "MlflowResource",
    "TfdvResource",
    "for_settings",
    "settings_from_environment",
]
