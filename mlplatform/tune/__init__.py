"""Optuna studies whose trials of one shape share one compiled program."""
