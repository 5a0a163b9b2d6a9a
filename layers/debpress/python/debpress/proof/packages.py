"""The packages that a proof publishes: all of one name, which nobody else uses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from debpress.deb import writing

NAME = "debpress-proof"


def small(folder: Path, version: str, moment: datetime) -> Path:
    """Writes a package of a few kilobytes."""
    file = _file(folder, version)
    text = f"{NAME} {version}: debpress proof published this, and takes it out again.\n".encode()
    file.write_bytes(writing.build(_fields(version), {f"/usr/share/{NAME}/README": text}, moment))
    return file


def large(folder: Path, version: str, moment: datetime, size: int) -> Path:
    """Writes a package of about `size` bytes, which take next to no room on this machine."""
    file = _file(folder, version)
    begins, whole = writing.hollow(_fields(version), f"/usr/share/{NAME}/zeros", size, moment)
    with file.open("wb") as out:
        out.write(begins)
        out.truncate(whole)
    return file


def version(moment: datetime, number: int) -> str:
    """Versions of one proof, rising; another proof has others, as none may come twice (law 4)."""
    return f"{moment:%Y%m%d.%H%M%S}.{number}"


def _file(folder: Path, version: str) -> Path:
    return folder / f"{NAME}_{version}_all.deb"


def _fields(version: str) -> Mapping[str, str]:
    return {
        "Package": NAME,
        "Version": version,
        "Architecture": "all",
        # RFC 2606: nobody can own a name below .invalid, so this is no stranger's address.
        "Maintainer": f"{NAME} <{NAME}@debpress.invalid>",
        "Section": "misc",
        "Priority": "optional",
        "Description": "shows that a deployed press works\n"
        " Nobody needs it: debpress proof publishes it, and takes it out again.",
    }
