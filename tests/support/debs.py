"""Packages for tests: byte by byte where they are to be odd, by dpkg-deb where real.

deb()                                   a good package, foo 1.0 for all
deb(control(Package="bar"))             another
ar([("debian-binary", b"2.0\\n"), ...])  anything at all
real(folder, control(), "-Zzstd")       by dpkg-deb
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "": lambda data: data,
    ".gz": lambda data: gzip.compress(data, 6, mtime=0),
    ".xz": lambda data: lzma.compress(data, lzma.FORMAT_XZ, preset=1),
    ".zst": zstd.compress,
    ".bz2": bz2.compress,
    ".lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE, preset=1),
}

GOOD = {
    "Package": "foo",
    "Version": "1.0",
    "Architecture": "all",
    "Maintainer": "A Tester <tester@example.org>",
    "Description": "a package for tests\n that has more\n .\n to say",
}

FORMAT = ("debian-binary", b"2.0\n")


class Bytes:
    """A deb.Reader over bytes that remembers what was asked of it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.asked: list[tuple[int, int]] = []

    def read(self, start: int, length: int) -> bytes:
        self.asked.append((start, length))
        return self.data[start : start + length]


def control(**fields: str | None) -> bytes:
    """A good control file with these fields changed; None leaves one out. `_` stands for `-`."""
    said = {name.replace("_", "-"): value for name, value in fields.items()}
    merged = {**GOOD, **said}
    lines = (f"{name}: {value}\n" for name, value in merged.items() if value is not None)
    return "".join(lines).encode()


def deb(
    text: bytes | None = None,
    *,
    control_form: str = ".xz",
    data_form: str = ".xz",
    data: bytes = b"",
) -> bytes:
    """A package around a control file."""
    body = control() if text is None else text
    return ar(
        [
            FORMAT,
            (f"control.tar{control_form}", COMPRESS[control_form](tar([("./control", body)]))),
            (
                f"data.tar{data_form}",
                COMPRESS[data_form](data or tar([("./etc/motd", b"hello\n")])),
            ),
        ]
    )


def ar(members: Sequence[tuple[str, bytes]]) -> bytes:
    return b"!<arch>\n" + b"".join(member(name, body) for name, body in members)


def member(name: str, body: bytes, size: int | None = None) -> bytes:
    """One ar member; `size` says another length than it has."""
    said = len(body) if size is None else size
    header = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{said:<10}`\n".encode("latin-1")
    return header + body + b"\n" * (len(body) % 2)


def tar(files: Sequence[tuple[str, bytes]], *, kind: bytes = b"0") -> bytes:
    return b"".join(entry(name.encode(), body, kind) for name, body in files) + bytes(1024)


def entry(
    name: bytes,
    body: bytes = b"",
    kind: bytes = b"0",
    *,
    size: bytes = b"",
    magic: bytes = b"ustar\x0000",
) -> bytes:
    """One tar entry, its header's sum right; `size` is the size field as written."""
    said = size or b"%011o\0" % len(body)
    header = (
        name.ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + said.ljust(12, b"\0")
        + b"00000000000\0" + b" " * 8 + kind + bytes(100) + magic
    ).ljust(512, b"\0")  # fmt: skip
    header = header[:148] + b"%06o\0 " % sum(header) + header[156:]
    return header + body + bytes(-len(body) % 512)


def pax(kind: bytes = b"x", **records: bytes) -> bytes:
    """A pax header; `__` stands for `.` in a keyword."""
    body = b""
    for keyword, value in records.items():
        record = b" " + keyword.replace("__", ".").encode() + b"=" + value + b"\n"
        length = len(record) + 1
        while len(str(length)) + len(record) != length:
            length += 1
        body += str(length).encode() + record
    return entry(b"pax", body, kind)


def real(folder: Path, text: bytes, *options: str, files: Sequence[str] = ("etc/motd",)) -> Path:
    """Builds a package with dpkg-deb, named as dpkg-deb names it."""
    tree = folder / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN" / "control").write_bytes(text)
    for name in files:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(f"{name}\n")
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", *options, "--build", str(tree), str(folder)],
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.deb")
    return built
