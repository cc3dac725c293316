"""The prediction server: verified models behind HTTP, split by the rollout, every answer logged."""
