"""The lake: versioned Delta tables and content-addressed artifacts under one root, local or S3.

Every commit is exactly-once, durable before it is acknowledged, and carries its own lineage and
sha256 manifest; every byte is verified before it is used. Only this room imports deltalake.
"""

from mlplatform.lake.artifacts import Artifact, Artifacts
from mlplatform.lake.lake import Lake
from mlplatform.lake.pins import Pins
from mlplatform.lake.table import Table
from mlplatform.lake.version import Lineage, Version

__all__ = ["Artifact", "Artifacts", "Lake", "Lineage", "Pins", "Table", "Version"]
