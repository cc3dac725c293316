"""Planted defects: what goes wrong with data in production, as pure functions of a batch."""
