"""Measures one model for every gate on it, and asks them: the same for an asset check and `mlplatform gate run`."""
