"""What a repository is: read once from `cdk.json`, used by stacks and functions alike."""

from debpress.config.reading import parse
from debpress.config.repository import Keep, Life, Page, Repository, RotationDays, Suite
from debpress.config.writing import as_json

__all__ = [
    "Keep", "Life", "Page", "Repository", "RotationDays", "Suite", "as_json", "parse",
]  # fmt: skip
