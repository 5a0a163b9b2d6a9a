"""Good and bad uploads, each with the answer it must get. Made anew each time, the same each time.

`python -m tests.corpus FOLDER` writes them out, to be looked at or given to another tool.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Case:
    """One upload: files, and the manifest that goes last.

    `errors` are the file and code of each error it must be refused for, no more and no fewer; none
    for a good one. `stanzas` are the fields its packages must be published with, in bytes.
    `ignored` are the files that its result must name as not listed.
    """

    name: str
    files: Mapping[str, bytes]
    manifest: tuple[str, bytes]
    errors: Sequence[tuple[str, str]] = ()
    stanzas: Sequence[Mapping[str, bytes]] = ()
    ignored: Sequence[str] = ()
    suite: str = "stable"
    component: str = "main"
    batch: str = ""

    @property
    def id(self) -> str:
        return self.batch or self.name

    @property
    def prefix(self) -> str:
        return f"staging/{self.suite}/{self.component}/{self.id}/"


def listing(files: Mapping[str, bytes]) -> tuple[str, bytes]:
    """The manifest.json of these files."""
    listed = [{"name": n, "sha256": sha256(b), "size": len(b)} for n, b in files.items()]
    return "manifest.json", json.dumps({"version": 1, "files": listed}).encode()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
