"""mlplatform: continuous integration and delivery for machine learning models.

The library behind the Dagster assets at the top of the repository. It knows no Dagster, and importing it is cheap:
every room imports its heavy libraries where they are used.
"""

__version__ = "0.1.0"
