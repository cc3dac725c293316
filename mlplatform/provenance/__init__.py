"""Which code, data and surroundings made a version."""
