"""Verdicts for continuous integration: JUnit XML, a pull request comment, and JSON. Values in, text out."""
