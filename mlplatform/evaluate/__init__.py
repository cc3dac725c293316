"""How good a model is: metrics, slices, latency, and the page that shows them.

The leaves are imported by name (`mlplatform.evaluate.metrics`), so that a gate's caller loads no
charts.
"""
