"""What landing may reach: object stores and named connections, handed in by whoever starts it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mlplatform.errors import SourceError
from mlplatform.spec import PipelineSpec
from mlplatform.spec.source import DeltaSource, FileSource


def no_secret(name: str) -> str:
    """Refuse: nobody said where connections are kept."""
    raise SourceError(f"the connection {name} was not given; set the environment variable {name}")


def named_in(environ: Mapping[str, str]) -> Callable[[str], str]:
    """Return the look-up of connection URIs by name in `environ`; `SourceError` when one is not set."""

    def secret(name: str) -> str:
        value = environ.get(name)
        if not value:
            raise SourceError(
                f"source.connection names the environment variable {name}, which is not set"
            )
        return value

    return secret


@dataclass(frozen=True)
class Access:
    """How to reach what is not in the pipeline's folder.

    Attributes:
        s3: Storage options of S3, as the lake takes them; `None` where no S3 source is declared.
        secret: Returns the connection URI behind a name; `SourceError` when it is not set.
    """

    s3: Mapping[str, str] | None = field(default=None, repr=False)
    secret: Callable[[str], str] = no_secret


def needs_s3(spec: PipelineSpec) -> bool:
    """Tell whether the spec's source lies in S3, so that credentials must be looked up."""
    source = spec.source
    places = source.files if isinstance(source, FileSource) else []
    places = [source.table] if isinstance(source, DeltaSource) else places
    return any(place.startswith("s3://") for place in places)
