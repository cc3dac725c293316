"""MLflow's model registry as an index: copied from the lake, and can be copied again.

We load nothing from it. The source of a version is the address of an artifact in the lake, whose
bytes are verified for MLflow's own tools too: see `lake_repository`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from mlplatform.errors import RegistryError
from mlplatform.registry import backend, runs
from mlplatform.registry.record import RegisteredModel

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

T = TypeVar("T")

ALIASES = ("champion", "challenger", "previous")
DIGEST = "mlplatform.model_digest"  # The tag that identifies a version
PAGE = 1000  # versions a request
SCHEME = "lake:"  # Of sources; MLflow's tools read it by `repository`.
NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, kw_only=True)
class IndexedModel:
    """Where MLflow shows a registered model."""

    name: str
    version: str
    source: str


class MlflowIndex:
    """The registered models of all pipelines in one MLflow, each under its pipeline's name.

    Every method may be repeated: it writes what is missing and leaves the rest.
    """

    def __init__(self, tracking_uri: str) -> None:
        self.tracking_uri = tracking_uri

    def register(
        self,
        pipeline: str,
        record: RegisteredModel,
        source: str,
        more: Mapping[str, str] = NOTHING,
    ) -> IndexedModel:
        """Show `record` as a version of the model `pipeline`, with `more` tags.

        `source` is the artifact's address; `lake:` is put before it.

        Raises:
            RegistryError: If MLflow cannot be reached within 10 s or refuses.
        """
        said = {**more, **tags(record)}
        return self._within(lambda: self._register(pipeline, record, source, said))

    def alias(self, pipeline: str, models: Mapping[str, str | None]) -> None:
        """Point each alias at the version with the given digest; `None` removes the alias.

        Raises:
            RegistryError: If MLflow cannot be reached, refuses, or has no version with that digest.
        """
        self._within(lambda: self._alias(pipeline, models, self._versions(pipeline)))

    def sync(
        self,
        pipeline: str,
        records: Iterable[RegisteredModel],
        models: Mapping[str, str | None],
        source: Callable[[str], str],
        more: Callable[[RegisteredModel], Mapping[str, str]] = lambda _: NOTHING,
    ) -> list[IndexedModel]:
        """Show all of `records` and the aliases, whatever MLflow held before.

        `source` returns the address of the artifact with a digest, `more` further tags of a model.

        Raises:
            RegistryError: If MLflow cannot be reached within 10 s or refuses.
        """
        # One operation each: thousands of versions do not have to fit into one deadline.
        shown = [
            self.register(pipeline, each, source(each.model_digest), more(each)) for each in records
        ]
        self.alias(pipeline, {**dict.fromkeys(ALIASES), **models})
        return shown

    def versions(self, pipeline: str) -> dict[str, IndexedModel]:
        """Return what MLflow shows for `pipeline`, by model digest."""
        found = self._within(lambda: self._versions(pipeline))
        return {digest: _indexed(version) for digest, version in found.items()}

    def aliases(self, pipeline: str) -> dict[str, str]:
        """Return the version number behind each alias of `pipeline`."""
        return self._within(lambda: self._aliases(pipeline))

    @cached_property
    def _client(self) -> "MlflowClient":
        return backend.client(self.tracking_uri)

    def _within(self, work: Callable[[], T]) -> T:
        _ = self._client  # The import of MLflow (5 s) is not the server's time.
        return backend.within(self.tracking_uri, work)

    def _register(
        self, pipeline: str, record: RegisteredModel, source: str, said: Mapping[str, str]
    ) -> IndexedModel:
        self._ensure_model(pipeline)
        known = self._versions(pipeline, digest=record.model_digest)
        if (found := known.get(record.model_digest)) is None:
            made = self._client.create_model_version(
                pipeline,
                f"{SCHEME}{source}",
                run_id=self._run(pipeline, record),
                tags=dict(said),
            )
            return _indexed(made)
        for key, value in said.items():
            if found.tags.get(key) != value:
                self._client.set_model_version_tag(pipeline, found.version, key, value)
        return _indexed(found)

    def _alias(
        self, pipeline: str, models: Mapping[str, str | None], known: Mapping[str, "ModelVersion"]
    ) -> None:
        now = self._aliases(pipeline)
        for alias, digest in models.items():
            if digest is None:
                if alias in now:
                    self._client.delete_registered_model_alias(pipeline, alias)
            elif digest not in known:
                raise RegistryError(
                    f"{pipeline}: MLflow has no version {digest[:12]} for {alias}; sync it first"
                )
            elif now.get(alias) != (version := str(known[digest].version)):
                self._client.set_registered_model_alias(pipeline, alias, version)

    def _aliases(self, pipeline: str) -> dict[str, str]:
        found = self._client.get_registered_model(pipeline).aliases
        return {alias: str(version) for alias, version in found.items()}

    def _ensure_model(self, pipeline: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(
                pipeline, description=f"Index of {pipeline}/registered_model in the lake."
            )
        except MlflowException as wrong:
            if wrong.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _versions(self, pipeline: str, digest: str | None = None) -> dict[str, "ModelVersion"]:
        # Names match [a-z0-9_-]+ and digests are hexadecimal, so neither can end the quotes.
        wanted = f"name = '{pipeline}'" + (f" AND tag.`{DIGEST}` = '{digest}'" if digest else "")
        found: dict[str, ModelVersion] = {}
        token = None
        while True:
            page = self._client.search_model_versions(wanted, max_results=PAGE, page_token=token)
            found |= {each.tags[DIGEST]: each for each in page if _is_ours(each)}
            if not (token := page.token):
                return found

    def _run(self, pipeline: str, record: RegisteredModel) -> str | None:
        # The log of a training may still wait, and the runs of a lost MLflow are gone; the tag stays.
        known = record.mlflow_run
        return runs.of_log(self._client, pipeline, known) if known else None


def tags(record: RegisteredModel) -> dict[str, str]:
    """Return the tags of a version that its row holds; `identity` has the others."""
    known = {
        DIGEST: record.model_digest,
        "mlplatform.model_version": str(record.model_version),
        "mlplatform.code_version": record.code_version,
        "mlplatform.verdict": record.verdict.value,
        "mlplatform.registered_at": record.registered_at.isoformat(),
        "mlplatform.mlflow_run": record.mlflow_run,
    }
    known |= {
        f"mlplatform.verdict.{name}": digest for name, digest in record.verdict_digests.items()
    }
    known |= {
        f"mlplatform.data.{table}": version for table, version in record.data_versions.items()
    }
    known |= {f"mlplatform.metric.{name}": str(value) for name, value in record.metrics.items()}
    return {key: value for key, value in known.items() if value}


def _is_ours(version: "ModelVersion") -> bool:
    """Whether a version leads to the artifact that its tag names; whoever writes to MLflow can set a tag."""
    source, digest = version.source or "", version.tags.get(DIGEST)
    return bool(digest) and source.startswith(SCHEME) and source.endswith(f"/{digest}")


def _indexed(version: "ModelVersion") -> IndexedModel:
    return IndexedModel(
        name=version.name, version=str(version.version), source=version.source or ""
    )
