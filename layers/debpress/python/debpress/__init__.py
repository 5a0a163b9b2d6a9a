"""debpress: a serverless publishing press for Debian packages."""

__version__ = "0.1.0"
