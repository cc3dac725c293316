"""Sources into `dataset`: rows land typed, malformed records stand aside, and parts are for good.

`source` lands files, tables, queries and functions, each piece exactly once; `dataset` gives rows
an identity and resolves upserts; `split` decides who trains.
"""
