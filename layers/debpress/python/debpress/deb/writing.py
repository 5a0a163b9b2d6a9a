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
    sums = "".join(
        f"{hashlib.md5(body, usedforsecurity=False).hexdigest()}  {path.lstrip('/')}\n"
        for path, body in sorted(files.items())
    )
    control = {"/control": _control(fields, size), "/md5sums": sums.encode()}
    return _before_data(control, time) + _member("data.tar", _tar(files, time), time)


def hollow(fields: Mapping[str, str], path: str, size: int, moment: datetime) -> tuple[bytes, int]:
    """A package of at most `size` bytes whose one file holds zeros, without building it: how it
    begins, and its size. All that is between that beginning and its end are zeros, of which a file
    system stores none."""
    time = int(moment.timestamp())
    before = _before_data({"/control": _control(fields, size // 1024)}, time)
    entry = _entry(path, time)
    folders = _tar({path: b""}, time).partition(entry.tobuf(tarfile.GNU_FORMAT))[0]
    # In blocks of 512 bytes; two of zeros end a tar file (GNU tar manual, "Basic Tar Format").
    whole = (size - len(before) - ar.HEADER) // 512 * 512
    entry.size = whole - len(folders) - 3 * 512
    begins = folders + entry.tobuf(tarfile.GNU_FORMAT)
    start = before + _header("data.tar", whole, time) + begins
    return start, len(start) + whole - len(begins)


def _control(fields: Mapping[str, str], size: int) -> bytes:
    control = "".join(f"{name}: {text}\n" for name, text in fields.items())
    return f"{control}Installed-Size: {size}\n".encode()


def _before_data(control: Mapping[str, bytes], time: int) -> bytes:
    members = {"debian-binary": b"2.0\n", "control.tar": _tar(control, time)}
    return ar.MAGIC + b"".join(_member(name, body, time) for name, body in members.items())


def _member(name: str, body: bytes, time: int) -> bytes:
    return _header(name, len(body), time) + body + b"\n" * (len(body) % 2)


def _header(name: str, size: int, time: int) -> bytes:
    return f"{name:<16}{time:<12}{0:<6}{0:<6}{'100644':<8}{size:<10}`\n".encode()


def _tar(files: Mapping[str, bytes], time: int) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path in sorted({*_folders(files), *files}):
            entry = _entry(path, time)
            if path in files:
                entry.size = len(files[path])
                archive.addfile(entry, io.BytesIO(files[path]))
            else:
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(entry)
    return raw.getvalue()


def _entry(path: str, time: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(f".{path}")
    entry.mtime, entry.mode = time, 0o644
    entry.uname = entry.gname = "root"
    return entry


def _folders(files: Mapping[str, bytes]) -> set[str]:
    return {str(parent) for path in files for parent in PurePosixPath(path).parents}
