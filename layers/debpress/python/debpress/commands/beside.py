"""The Sigstore bundles beside the packages that are about to be sent."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from debpress.commands.packages import LocalPackage
from debpress.errors import StoreError
from debpress.layout import BUNDLE


def bundles(packages: Sequence[LocalPackage]) -> list[LocalPackage]:
    """Of each package that has one, as a file to upload. Raises StoreError where one can't be read.

    They are sent whatever the suite asks for, which CI's role can't know, and are in no manifest.
    """
    found = []
    for package in packages:
        path = Path(f"{package.path}{BUNDLE}")
        if path.is_file():
            try:
                body = path.read_bytes()
            except OSError as error:
                raise StoreError(f"{path} can't be read: {error.strerror}") from error
            sha256 = hashlib.sha256(body).hexdigest()
            found.append(replace(package, path=path, sha256=sha256, size=len(body)))
    return found
