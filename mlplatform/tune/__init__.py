"""Optuna studies over one compiled training program."""
