"""Rules about the whole: layers, sizes, what an import wakes, packaging, and what CI runs."""
