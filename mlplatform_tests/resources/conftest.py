"""The S3 server of the lake's tests."""

from mlplatform_tests.lake.conftest import s3_options

__all__ = ["s3_options"]
