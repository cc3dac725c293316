"""TensorFlow Data Validation (TFDV): statistics of a dataset version, judged by an accepted schema.

TFDV lives in a process of its own (`client`, `tfdv_worker`); its answers are protocol buffers that
`statistics` and `schema` read here, and `profile` keeps beside the tables.
"""
