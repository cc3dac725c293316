"""The software-defined assets: one file a noun, wiring only. The work is done by `mlplatform`."""

from assets.pipeline import MLPipeline

__all__ = ["MLPipeline"]
