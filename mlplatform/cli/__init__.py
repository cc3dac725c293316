"""The `mlplatform` command."""
