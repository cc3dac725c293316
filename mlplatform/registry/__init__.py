"""Registered models: a lake table that counts, and MLflow as its index."""
