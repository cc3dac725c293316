"""What MLflow reads `lake:<lake>/_artifacts/<digest>` by, the source of our model versions: verified bytes.

MLflow would write into the folder of a plain path, and cannot check one. `repository` is the entry point by which it
finds this, wherever the package is installed.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

from mlflow.entities import FileInfo
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repo import ArtifactRepository

from mlplatform.errors import PlatformError
from mlplatform.lake import Lake
from mlplatform.lake.artifacts import FOLDER
from mlplatform.registry import hostile, signing
from mlplatform.registry.mlflow_index import SCHEME
from mlplatform.settings import VERIFY_KEY

ROOT = "MLPLATFORM_LAKE"  # Where the lake is now, if not where it was when a model was registered.


class LakeRepository(ArtifactRepository):
    """One model, read-only and without code; with `MLPLATFORM_VERIFY_KEY` set, only if it is signed by that key."""

    def __init__(self, artifact_uri: str, *args: Any, **options: Any) -> None:
        super().__init__(artifact_uri, *args, **options)
        self._contents: dict[str, bytes] | None = None

    def list_artifacts(self, path: str | None = None) -> list[FileInfo]:
        """Return the files of the artifact, its manifest among them; there are no folders."""
        if path:
            return []
        return [FileInfo(name, False, len(data)) for name, data in self._read().items()]  # noqa: FBT003

    def download_artifacts(self, artifact_path: str | None, dst_path: str | None = None) -> str:
        """Write the artifact, or one file of it, below `dst_path`, or into a new folder named by the digest."""
        if dst_path is None and not artifact_path:
            own = Path(tempfile.mkdtemp(prefix="mlplatform-model-"))
            dst_path = str(own / _digest(self.artifact_uri))
            Path(dst_path).mkdir()
        written = super().download_artifacts(artifact_path or "", dst_path)  # type: ignore[no-untyped-call]
        return str(written)

    def log_artifact(self, local_file: str, artifact_path: str | None = None) -> None:
        """Refuse: an artifact never changes."""
        raise MlflowException(f"{self.artifact_uri} is an artifact of the lake and never changes")

    def log_artifacts(self, local_dir: str, artifact_path: str | None = None) -> None:
        """Refuse: an artifact never changes."""
        self.log_artifact(local_dir)

    def _download_file(self, remote_file_path: str, local_path: str) -> None:
        found = self._read()
        if remote_file_path not in found:
            raise MlflowException(f"{self.artifact_uri} has no file {remote_file_path!r}")
        Path(local_path).write_bytes(found[remote_file_path])

    def _read(self) -> dict[str, bytes]:
        if self._contents is None:
            try:
                self._contents = _admitted(self.artifact_uri)
            except PlatformError as wrong:
                raise MlflowException(str(wrong)) from None
        return self._contents


def _admitted(uri: str) -> dict[str, bytes]:
    """Return every file of an artifact; MLflow runs what some of them say, so they are held against an export.

    Raises:
        PlatformError: If a key is asked for that did not sign it, it is damaged, or holds code.
    """
    root = os.environ.get(ROOT) or uri.removeprefix(SCHEME).rpartition(f"/{FOLDER}/")[0]
    lake, digest = Lake(root, _options(root)), _digest(uri)
    signing.require(lake, digest, os.environ.get(VERIFY_KEY))
    contents = lake.artifacts.open(digest).contents()
    hostile.check(contents, lake.artifacts.uri(digest))
    return contents


def _digest(uri: str) -> str:
    return uri.rstrip("/").rpartition("/")[2]


def _options(root: str) -> dict[str, str] | None:
    if not root.startswith("s3://"):
        return None
    import boto3

    from mlplatform.lake.aws import storage_options

    return storage_options(boto3.client("s3", region_name=os.environ.get("AWS_REGION")))
