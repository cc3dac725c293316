"""A pipeline of this checkout, its lake, and who asks: what the commands about its data share."""

import getpass
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlplatform.errors import LakeError, PlatformError
from mlplatform.settings import Settings
from mlplatform.spec import Pipeline

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Lineage, Version
    from mlplatform.validate.record import Profile

REGISTERED = re.compile(
    r"[1-9][0-9]{0,5}"
)  # A version; how a digest begins is longer, or has letters.


@dataclass(frozen=True)
class Place:
    """One pipeline and where its tables are."""

    settings: Settings
    lake: "Lake"
    pipeline: Pipeline

    def dataset(self, number: int | None = None) -> "Version":
        """Return a version of the pipeline's dataset, the newest without a number.

        Raises:
            LakeError: If there is none.
        """
        table = self.lake.table(self.pipeline.table("dataset"))
        found = table.latest() if number is None else table.version(number)
        if found is None:
            raise LakeError(f"there is no {table.name} yet; materialise it first")
        return found

    def profile(self, number: int | None = None) -> "Profile":
        """Return what was measured of a version of the dataset.

        Raises:
            LakeError: If there is no such version, or it was never profiled.
        """
        from mlplatform.validate.record import profiles_of

        version = self.dataset(number)
        kept = profiles_of(self.lake, self.pipeline, version)
        if not kept:
            raise LakeError(
                f"{version.table} {version.reference} has no statistics; materialise it first"
            )
        return kept[0]

    def lineage(self, noun: str) -> "Lineage":
        """Return who writes the pipeline's table `noun`: the person at the command line."""
        from mlplatform.lake import Lineage
        from mlplatform.provenance.code import code_identity

        code = str(code_identity(self.settings.root))
        asset = self.pipeline.table(noun)
        return Lineage(asset=asset, run_id=f"cli-{getpass.getuser()}", code_version=code)


def place(name: str) -> Place:
    """Return the pipeline called `name`.

    Raises:
        PlatformError: If there is none, or this is no checkout.
    """
    from mlplatform.cli.data.input import here
    from mlplatform.cli.lake import open_lake
    from mlplatform.cli.release import find_pipeline

    settings = here()
    return Place(settings, open_lake(settings), find_pipeline(settings, name))


def model_digest(at: Place, model: str) -> str:
    """Return the digest of the artifact that `model` means; empty is the champion.

    It may be `champion`, `canary`, `newest` (the one trained last), a registered version such as
    `7`, or a digest or how one begins.

    Raises:
        PlatformError: If there is none, or several.
    """
    named = {"": _live, "champion": _live, "canary": _live, "newest": _trained_last}
    if model in named:
        return named[model](at, model)
    if REGISTERED.fullmatch(model):
        return _registered(at, int(model))
    versions = at.lake.table(at.pipeline.table("model")).history()
    known = {version.lineage.facts.get("artifact", "") for version in versions}
    found = sorted(digest for digest in known if digest.startswith(model))
    if len(found) != 1:
        some = ", ".join(digest[:16] for digest in found or sorted(known)) or "none"
        raise PlatformError(
            f"{at.pipeline.name}: {len(found)} models begin {model!r}; known: {some}"
        )
    return found[0]


def _live(at: Place, arm: str) -> str:
    from mlplatform.rollout.events import traffic

    now = traffic(at.lake.table(at.pipeline.table("deployment")))
    found = now.canary if arm == "canary" else now.champion
    if found is None:
        what = "there is no canary" if arm == "canary" else "nothing is live"
        raise PlatformError(f"{at.pipeline.name}: {what}; name a model with --model")
    return found.digest


def _trained_last(at: Place, _newest: str) -> str:
    newest = at.lake.table(at.pipeline.table("model")).latest()
    if newest is None:
        raise PlatformError(f"{at.pipeline.name}: no model was trained yet")
    return newest.lineage.facts["artifact"]


def _registered(at: Place, version: int) -> str:
    from mlplatform.registry.record import TABLE, records

    known = records(at.lake.table(at.pipeline.table(TABLE)))
    found = [each.model_digest for each in known if each.model_version == version]
    if not found:
        last = f"1 to {len(known)}" if known else "none"
        raise PlatformError(
            f"{at.pipeline.name}: no registered model has version {version}; known: {last}"
        )
    return found[0]
