"""How the pages look: by templates, in which all that packages say is escaped.

Every address in them is relative, so they are the same behind a domain, in a bucket and in a folder
of a web server. The style sheet and the script are files of their own, named by their content: the
pages' policy lets in nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from debpress import codec
from debpress.codec import Record
from debpress.layout import page_name, shelf
from debpress.page import LETS_IN, lists
from debpress.page.packages import newest
from debpress.records.batch import Provenance
from debpress.records.page import PackageList, PackagePage, RepositoryPage

_HERE = Path(__file__).parent

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

# Below a repository's address, where its host has commits.
_COMMITS = {"github.com": "commit", "gitlab.com": "-/commit"}


@cache
def assets() -> Mapping[str, tuple[bytes, str]]:
    """The bytes and types of what the pages load, by name, of which the bytes' hash is a part."""
    found = {}
    for file in sorted((_HERE / "assets").iterdir()):
        body = file.read_bytes()
        found[_named(file, body)] = body, _TYPES[file.suffix]
    return found


def _named(file: Path, body: bytes) -> str:
    return f"{file.stem}-{hashlib.sha256(body).hexdigest()[:16]}{file.suffix}"


@cache
def made_by() -> str:
    """A digest of this package: of templates, style and rules."""
    digest = hashlib.sha256()
    for file in sorted(_HERE.rglob("*")):
        if file.suffix in (".py", ".html", *_TYPES):
            digest.update(f"{file.relative_to(_HERE)}\0{file.stat().st_size}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Rendered:
    """A page and its JSON twin, whose SHA-256 is in the page: so no two states of a page have the
    same bytes, and hence the same ETag."""

    json: bytes
    html: bytes


def repository(page: RepositoryPage) -> Rendered:
    totals = {each.suite: lists.total(page.shelves, each.suite) for each in page.suites}
    return _rendered("index.html", page, page.title, "", totals=totals)


def package_list(page: PackageList, title: str) -> Rendered:
    return _rendered("list.html", page, title, "../../")


def package(page: PackagePage, title: str) -> Rendered:
    return _rendered("package.html", page, title, "../", known=newest(page))


def _rendered(template: str, page: Record, title: str, root: str, **more: Any) -> Rendered:
    twin = codec.dump(page)
    of = hashlib.sha256(twin).hexdigest()
    found = _environment().get_template(template)
    text = found.render(title=title, root=root, page=page, twin=of, **more)
    return Rendered(twin, text.encode("utf-8", "replace"))


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"page": page_name, "shelf": shelf, "moment": _moment, "bytes": _bytes}
    made.filters |= {"path": quote, "is_web": _is_web, "spaced": _spaced}
    made.filters |= {"is_secure": _is_secure, "commit": _commit}
    names = {name.rpartition("-")[0]: name for name in assets()}
    made.globals |= {"policy": LETS_IN, "assets": names}
    return made


def _moment(iso: str) -> Markup:
    """`2026-11-23T01:02:03Z` for people, who may see it in two lines."""
    return Markup('<time datetime="{}"><span>{}</span> <span>{} UTC</span></time>').format(
        iso, iso[:10], iso[11:16]
    )


def _bytes(size: int) -> str:
    """As apt says sizes: in powers of a thousand."""
    value, unit = float(size), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"


def _is_web(address: str) -> bool:
    """Whether a link may lead there; a `javascript:` is none that a package may set."""
    return address.lower().startswith(("https://", "http://"))


def _is_secure(address: str) -> bool:
    return address.startswith("https://")


def _commit(built: Provenance) -> str:
    """The commit's address, on the hosts of which it is known; else empty."""
    for host, path in _COMMITS.items():
        if built.repository.startswith(f"https://{host}/"):
            return f"{built.repository}/{path}/{built.commit}"
    return ""


def _spaced(fingerprint: str) -> str:
    """In groups of four, as people compare them."""
    return " ".join(fingerprint[at : at + 4] for at in range(0, len(fingerprint), 4))
