"""The entry point by which MLflow reads `lake:…`, the source of our model versions."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlplatform.registry.lake_repository import LakeRepository


def repository(
    artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None
) -> "LakeRepository":
    """Return what reads an artifact of a lake; MLflow asks for it while it is itself imported."""
    from mlplatform.registry.lake_repository import LakeRepository

    return LakeRepository(artifact_uri, tracking_uri=tracking_uri, registry_uri=registry_uri)
