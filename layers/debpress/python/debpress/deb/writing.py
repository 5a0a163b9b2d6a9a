"""Writing a .deb: a small one of plain files, the same bytes wherever it is built.

deb(5): an ar archive of debian-binary, control.tar and data.tar. Neither is compressed, for two
builds of zlib or xz need not agree on what they make of the same bytes; dpkg reads that since
1.17.6 (2014). Owners, modes and times are fixed, entries are sorted.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePosixPath

from debpress.deb import ar


def build(fields: Mapping[str, str], files: Mapping[str, bytes], moment: datetime) -> bytes:
    """A package with these control fields, in this order, and these files by absolute path.

    `moment` is what everything in it is dated. Installed-Size is added.
    """
    time = int(moment.timestamp())
    # Policy 5.6.20: KiB, each file and folder rounded up.
    size = sum(-(-len(body) // 1024) for body in files.values()) + len(_folders(files))
    control = "".join(f"{name}: {text}\n" for name, text in fields.items())
    control += f"Installed-Size: {size}\n"
    sums = "".join(
        f"{hashlib.md5(body, usedforsecurity=False).hexdigest()}  {path.lstrip('/')}\n"
        for path, body in sorted(files.items())
    )
    members = {
        "debian-binary": b"2.0\n",
        "control.tar": _tar({"/control": control.encode(), "/md5sums": sums.encode()}, time),
        "data.tar": _tar(files, time),
    }
    return ar.MAGIC + b"".join(_member(name, body, time) for name, body in members.items())


def _member(name: str, body: bytes, time: int) -> bytes:
    header = f"{name:<16}{time:<12}{0:<6}{0:<6}{'100644':<8}{len(body):<10}`\n".encode()
    return header + body + b"\n" * (len(body) % 2)


def _tar(files: Mapping[str, bytes], time: int) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path in sorted({*_folders(files), *files}):
            entry = tarfile.TarInfo(f".{path}")
            entry.mtime = time
            entry.uname = entry.gname = "root"
            if path in files:
                entry.size, entry.mode = len(files[path]), 0o644
                archive.addfile(entry, io.BytesIO(files[path]))
            else:
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(entry)
    return raw.getvalue()


def _folders(files: Mapping[str, bytes]) -> set[str]:
    return {str(parent) for path in files for parent in PurePosixPath(path).parents}
