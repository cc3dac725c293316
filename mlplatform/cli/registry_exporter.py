"""Who exports a program anew: by which code, with which libraries."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlplatform.lake import Lake
    from mlplatform.registry.find import Found
    from mlplatform.settings import Settings

ENVIRONMENT, LIBRARIES = "exported_environment", "exported_libraries"  # Facts of the commit.


def exporter_code(settings: "Settings", found: "Found") -> str:
    """Return the code version of this checkout.

    Raises:
        GateRefusedError: Outside of local development, if it is no commit, or a training that was by none
            would come to be by one.
    """
    from mlplatform.provenance.code import code_identity, require_committed
    from mlplatform.registry.recertify import TRAINED_CODE

    before, here = found.model.lineage, str(code_identity(settings.root))
    trained = before.facts.get(TRAINED_CODE, before.code_version)
    require_committed(trained, settings.environment)
    require_committed(here, settings.environment, "the program is exported", "export again")
    return here


def exporter_facts(lake: "Lake") -> dict[str, str]:
    """Return the facts that name the installed libraries; those of the training stay beside them."""
    from mlplatform.provenance import environment as of

    lines = of.installed()
    stored = lake.artifacts.put({of.FILE: of.text(lines)})
    return {ENVIRONMENT: of.digest(lines), LIBRARIES: stored}
