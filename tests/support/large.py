"""A package of any size, in one file that can't be compressed, as far as it is read."""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.support import debs
from tests.support.press import Press, event


@contextmanager
def package(folder: Path, size: int, name: str = "foo") -> Iterator[mmap.mmap]:
    """A package of some more bytes than `size`; it takes no memory and next to no disk."""
    path = folder / f"{name}.deb"
    control = debs.tar([("./control", debs.control(Package=name))])
    head = debs.ar([debs.FORMAT, ("control.tar", control)])
    content = debs.entry(b"./opt/it", size=b"%011o\0" % (size - 2048))
    with path.open("wb") as file:
        file.write(head + debs.member("data.tar", b"", size=size) + content)
        file.truncate(file.tell() + size - len(content))
    with path.open("rb") as made, mmap.mmap(made.fileno(), 0, access=mmap.ACCESS_READ) as body:
        yield body


def upload(press: Press, bodies: Mapping[str, mmap.mmap]) -> dict[str, Any]:
    """Uploads packages, by name, as the batch `large`, as S3 keeps what came in parts: without a
    sum of the whole. Returns the event."""
    place, listed = "staging/stable/main/large", ""
    for name, body in bodies.items():
        file = f"{name}_1.0_all.deb"
        press.store.put(f"{place}/{file}", b"")
        [version] = press.store._objects[f"{place}/{file}"]
        kept = replace(version, body=body, sha256=None)  # type: ignore[arg-type]
        press.store._objects[f"{place}/{file}"] = (kept,)
        listed += f"{hashlib.sha256(body).hexdigest()}  {file}\n"
    head = press.store.put(f"{place}/SHA256SUMS", listed.encode())
    return event(head.key, head.etag, head.version_id)
