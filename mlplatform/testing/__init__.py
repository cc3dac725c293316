"""Contract suites that every gate, statistic, source and storage must pass."""
