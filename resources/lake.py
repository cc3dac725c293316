"""The lake, and the IO manager that passes table versions between assets instead of data."""

from pathlib import Path

import dagster as dg
from pydantic import Field, PrivateAttr

from mlplatform.errors import LakeError
from mlplatform.lake import Lake, Version
from resources.aws import s3_storage_options
from resources.mistakes import said_in_one_line


class LakeResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The Delta tables and artifacts of every pipeline."""

    root: str
    signing_key: str = Field(
        default="", description="File of the key that signs what is registered."
    )
    _opened: Lake | None = PrivateAttr(default=None)

    def open(self) -> Lake:
        """Return the lake. S3 credentials are looked up at first use, never at load."""
        if self._opened is None:
            self._opened = Lake(self.root, self.storage_options())
        return self._opened

    def sign(self, digest: str) -> None:
        """Sign a registered model's artifact, once, if there is a key to sign by.

        Raises:
            SignatureError: If the extra `signing` is not installed, or the key cannot be used.
        """
        if self.signing_key:
            from mlplatform.registry.signing import sign

            sign(self.open(), digest, Path(self.signing_key))

    def storage_options(self) -> dict[str, str] | None:
        """Return how to reach a lake on S3, with credentials as they are now; none for a path."""
        return s3_storage_options() if self.root.startswith("s3://") else None


class LakeVersions(dg.ConfigurableIOManager):
    """Hands the next asset the version this run wrote or pinned, never "the latest".

    What passes is a `Version`: a name, a number and a digest. Rows stay in the lake until somebody reads them.
    """

    lake: dg.ResourceDependency[LakeResource]

    def handle_output(self, context: dg.OutputContext, obj: Version) -> None:
        """Pin the version for the rest of the run."""
        with said_in_one_line():
            self.lake.open().pins(context.run_id).set(obj)

    def load_input(self, context: dg.InputContext) -> Version:
        """Return the version this run reads of the upstream table.

        Raises:
            dg.Failure: If the upstream asset has never been materialised.
        """
        table = "/".join(context.asset_key.path)
        with said_in_one_line():
            version = self.lake.open().pins(context.step_context.run_id).get(table)
            if version is None:
                raise LakeError(f"{table} has no version yet; materialise it first")
        return version
