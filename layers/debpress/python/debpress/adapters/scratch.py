"""Private folders for what other programs shall read, which are removed again."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from debpress.errors import SourceError


@contextmanager
def folder(prefix: str, within: Path | None = None) -> Iterator[Path]:
    """A new one, below TMPDIR or `within`. Raises SourceError where it can't be made, or what is
    done with it fails for want of space."""
    try:
        with tempfile.TemporaryDirectory(prefix=prefix, dir=within) as made:
            yield Path(made)
    except OSError as error:
        raise unwritable(error) from error


def unwritable(error: OSError) -> SourceError:
    where = os.environ.get("TMPDIR", "/tmp")  # noqa: S108  # nosec B108
    return SourceError(
        f"nothing can be kept meanwhile below {where}: {error.strerror or error}; make room there, "
        "or have TMPDIR name a folder that has some"
    )
