"""Sources into `dataset`: files land as text, become typed rows, and are split for good.

`source` lands files exactly once, `dataset` gives rows their declared types, `split` decides who
trains.
"""
