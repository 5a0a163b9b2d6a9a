"""Bad manifests, of all spellings. The package beside them is good."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.corpus import Case, sha256
from tests.support.debs import deb

DEB = deb()
SUM = sha256(DEB)
ENTRY = {"name": "foo.deb", "sha256": SUM, "size": len(DEB)}


def _json(*entries: Any, **top: Any) -> bytes:
    return json.dumps({"version": 1, "files": list(entries or [ENTRY]), **top}).encode()


def _entry(**changed: Any) -> bytes:
    return _json({**ENTRY, **changed})


def _without(key: str) -> bytes:
    return _json({k: v for k, v in ENTRY.items() if k != key})


_GOOD = _json()
_UNREADABLE, _VERSION, _FIELD = "manifest-unreadable", "manifest-version", "manifest-field"
_NAME, _SUM, _TWICE, _EMPTY = "name-unsafe", "sum-malformed", "name-duplicate", "manifest-empty"

JSON: dict[str, tuple[bytes, list[str]]] = {
    "empty": (b"", [_UNREADABLE]),
    "text": (b"foo.deb\n", [_UNREADABLE]),
    "cut": (_GOOD[:-1], [_UNREADABLE]),
    "more-behind": (_GOOD + b"}", [_UNREADABLE]),
    "single-quotes": (_GOOD.replace(b'"', b"'"), [_UNREADABLE]),
    "trailing-comma": (_GOOD[:-1] + b",}", [_UNREADABLE]),
    "utf-16": (_GOOD.decode().encode("utf-16"), [_UNREADABLE]),
    "byte-order-mark": (b"\xef\xbb\xbf" + _GOOD, [_UNREADABLE]),
    "latin-1": (b'{"version": 1, "files": "\xe9"}', [_UNREADABLE]),
    "nul": (_GOOD + b"\0", [_UNREADABLE]),
    "nan": (_json(version=float("nan")), [_UNREADABLE]),
    "deep": (b"[" * 100_000, [_UNREADABLE]),
    "many-digits": (b'{"version": ' + b"1" * 5000 + b"}", [_UNREADABLE]),
    "list": (b"[]", [_UNREADABLE]),
    "null": (b"null", [_UNREADABLE]),
    "number": (b"1", [_UNREADABLE]),
    "no-version": (b'{"files": []}', [_VERSION]),
    "version-2": (_json(version=2), [_VERSION]),
    "version-text": (_json(version="1"), [_VERSION]),
    "version-true": (_json(version=True), [_VERSION]),
    "version-float": (_json(version=1.0), [_VERSION]),
    "version-list": (_json(version=[[1]]), [_VERSION]),
    "unknown-field": (_json(suite="stable"), [_FIELD]),
    "unknown-field-of-file": (_entry(md5="0"), [_FIELD]),
    "field-twice": (b'{"version": 1, ' + _GOOD[1:], [_FIELD]),
    "no-files": (b'{"version": 1}', [_FIELD]),
    "files-object": (_json(files={"foo.deb": SUM}), [_FIELD]),
    "files-null": (_json(files=None), [_FIELD]),
    "files-empty": (_json(files=[]), [_EMPTY]),
    "file-is-text": (_json("foo.deb"), [_FIELD]),
    "file-is-list": (_json(["foo.deb", SUM]), [_FIELD]),
    "no-name": (_without("name"), [_FIELD]),
    "name-null": (_entry(name=None), [_FIELD]),
    "no-sum": (_without("sha256"), [_SUM]),
    "sum-null": (_entry(sha256=None), [_SUM]),
    "sum-short": (_entry(sha256=SUM[:-1]), [_SUM]),
    "sum-sha1": (_entry(sha256=SUM[:40]), [_SUM]),
    "sum-not-hex": (_entry(sha256="g" * 64), [_SUM]),
    "sum-other-digits": (_entry(sha256="\uff10" * 64), [_SUM]),
    "sum-newline": (_entry(sha256=SUM + "\n"), [_SUM]),
    "size-text": (_entry(size="12"), [_FIELD]),
    "size-null": (_entry(size=None), [_FIELD]),
    "size-true": (_entry(size=True), [_FIELD]),
    "size-float": (_entry(size=12.0), [_FIELD]),
    "size-negative": (_entry(size=-1), [_FIELD]),
    "size-astronomic": (_entry(size=10**40), [_FIELD]),
    "name-twice": (_json(ENTRY, ENTRY), [_TWICE]),
    "name-up": (_entry(name="../foo.deb"), [_NAME]),
    "name-absolute": (_entry(name="/etc/foo.deb"), [_NAME]),
    "name-below": (_entry(name="x/foo.deb"), [_NAME]),
    "name-dot": (_entry(name="."), [_NAME, _NAME]),
    "name-dots": (_entry(name=".."), [_NAME, _NAME]),
    "name-empty": (_entry(name=""), [_NAME, _NAME]),
    "name-nul": (_entry(name="foo\0.deb"), [_NAME]),
    "name-newline": (_entry(name="foo\n.deb"), [_NAME]),
    "name-escape": (_entry(name="foo\x1b[31m.deb"), [_NAME]),
    "name-bidi": (_entry(name="foo\u202e.deb"), [_NAME]),
    "name-surrogate": (_entry(name="foo\ud800.deb"), [_NAME]),
    "name-long": (_entry(name="x" * 300 + ".deb"), [_NAME]),
    "name-long-in-utf-8": (_entry(name="\u00e9" * 200 + ".deb"), [_NAME]),
    "name-no-deb": (_entry(name="foo.rpm"), [_NAME]),
    "name-upper-deb": (_entry(name="foo.DEB"), [_NAME]),
    "name-itself": (_entry(name="manifest.json"), [_NAME, _NAME]),
    "many-files": (_json(*[{**ENTRY, "name": f"{n}.deb"} for n in range(10_001)]), ["too-large"]),
    "large": (_GOOD + b" " * (4 * 2**20), ["too-large"]),
    "all-at-once": (
        _json({**ENTRY, "name": "../x", "sha256": "0"}, 7, ENTRY, ENTRY, version=2, more=1),
        [_FIELD, _VERSION, _NAME, _NAME, _SUM, _FIELD, _TWICE],
    ),
}  # fmt: skip

SUMS: dict[str, tuple[bytes, list[str]]] = {
    "empty": (b"", [_EMPTY]),
    "comment": (b"# nothing to publish\n", [_EMPTY]),
    "no-name": (f"{SUM}\n".encode(), [_UNREADABLE]),
    "one-blank": (f"{SUM} foo.deb\n".encode(), [_UNREADABLE]),
    "tagged-sha1": (f"SHA1 (foo.deb) = {SUM[:40]}\n".encode(), [_SUM]),
    "tagged-half": (f"SHA256 (foo.deb) {SUM}\n".encode(), [_UNREADABLE]),
    "signed": (f"-----BEGIN PGP SIGNED MESSAGE-----\n\n{SUM}  foo.deb\n".encode(), [_UNREADABLE]),
    "zeros": (f"{SUM}  foo.deb\0{SUM}  bar.deb\0".encode(), [_UNREADABLE]),
    "utf-16": (f"\ufeff{SUM}  foo.deb\r\n".encode("utf-16-le"), [_UNREADABLE]),
    "json": (_GOOD, [_UNREADABLE]),
    "latin-1": (f"{SUM}  f\xe9.deb\n".encode("latin-1"), [_UNREADABLE]),
    "byte-order-mark": (f"\ufeff{SUM}  foo.deb\n".encode(), [_UNREADABLE]),
    "escaped": (f"\\{SUM}  foo\\n.deb\n".encode(), [_NAME]),
    "sha1": (f"{SUM[:40]}  foo.deb\n".encode(), [_SUM]),
    "path": (f"{SUM}  dist/foo.deb\n".encode(), [_NAME]),
    "up": (f"{SUM}  ../foo.deb\n".encode(), [_NAME]),
    "twice": (f"{SUM}  foo.deb\n{SUM} *foo.deb\n".encode(), [_TWICE]),
    "itself": (f"{SUM}  SHA256SUMS\n".encode(), [_NAME, _NAME]),
    "other-kind": (f"{SUM}  foo.dsc\n".encode(), [_NAME]),
}

_CHANGES = (
    f"Format: 1.8\nSource: foo\nChecksums-Sha256:\n {SUM} {len(DEB)} foo.deb\n {SUM} 1 foo.dsc\n"
    f"Files:\n {SUM[:32]} {len(DEB)} misc optional foo.deb\n"
)


def _changed(old: str, new: str) -> bytes:
    assert old in _CHANGES
    return _CHANGES.replace(old, new, 1).encode()


CHANGES: dict[str, tuple[bytes, list[str]]] = {
    "empty": (b"", [_UNREADABLE]),
    "no-sums": (_changed("Checksums-Sha256", "Checksums-Sha1"), [_FIELD]),
    "signature-cut": (b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n", [_UNREADABLE]),
    "field-twice": (_changed("Source: foo", "Format: 1.8"), [_UNREADABLE]),
    "comment": (_changed("Source", "#Source"), [_UNREADABLE]),
    "paragraphs": (_changed("Source", "\nSource"), [_FIELD]),
    "size-malformed": (_changed(f" {len(DEB)} foo.deb\n", " 0x10 foo.deb\n"), [_FIELD]),
    "sum-malformed": (_changed(f" {SUM} {len(DEB)}", f" {SUM[1:]} {len(DEB)}"), [_SUM]),
    "column-missing": (_changed(f" {SUM} 1 ", f" {SUM} "), [_FIELD]),
    "twice": (_changed("1 foo.dsc", "1 foo.deb"), [_TWICE]),
    "up": (_changed("1 foo.dsc", "1 ../foo.dsc"), [_NAME]),
    "unsummed": (_changed("optional foo.deb", "optional bar.deb"), [_SUM]),
    "source-only": (_CHANGES.replace("foo.deb", "foo.tar.xz").encode(), [_EMPTY]),
}


def _operations(*listed: Any, **top: Any) -> bytes:
    return json.dumps({"version": 1, "operations": list(listed), **top}).encode()


_FROM = {"suite": "testing", "component": "main"}

OPERATIONS: dict[str, tuple[bytes, list[str]]] = {
    "text": (b"remove foo", [_UNREADABLE]),
    "latin-1": (b'{"version": 1, "operations": "\xe9"}', [_UNREADABLE]),
    "list": (b"[]", [_VERSION]),
    "version-2": (_operations({"op": "prune"}, version=2), [_VERSION]),
    "none": (_operations(), [_EMPTY]),
    "object": (_operations(operations={"op": "prune"}), [_FIELD]),
    "unknown-op": (_operations({"op": "delete"}), [_FIELD]),
    "op-is-list": (_operations({"op": ["prune"]}), [_FIELD]),
    "no-op": (_operations({"packages": ["foo"]}), [_FIELD]),
    "unknown-field": (_operations({"op": "prune", "keep": 1}), [_FIELD]),
    "field-twice": (b'{"version": 1, "operations": [{"op": "prune", "op": "prune"}]}', [_FIELD]),
    "no-packages": (_operations({"op": "remove"}), [_FIELD]),
    "relation": (_operations({"op": "remove", "packages": ["foo (< 1)"]}), [_FIELD]),
    "to-text": (_operations({"op": "rollback", "to": "1"}), [_FIELD]),
    "to-nowhere": (_operations({"op": "rollback", "to": 10**9}), ["generation-unknown"]),
    "from-nowhere": (
        _operations({"op": "copy", "from": {**_FROM, "suite": "x"}, "packages": ["foo"]}),
        ["suite-unknown"],
    ),
    "from-up": (
        _operations({"op": "copy", "from": {**_FROM, "suite": "../x"}, "packages": ["foo"]}),
        [_FIELD],
    ),
    "nothing-there": (
        _operations({"op": "copy", "from": _FROM, "packages": ["no-such-package"]}),
        ["package-unknown"],
    ),
    "all-at-once": (
        _operations({"op": "x"}, {"op": "prune"}, {"op": "rollback"}, version=3),
        [_VERSION, _FIELD, _FIELD],
    ),
}  # fmt: skip


def bad() -> Iterator[Case]:
    spellings = (
        ("manifest.json", "json", JSON),
        ("SHA256SUMS", "sums", SUMS),
        ("foo_1.0_all.changes", "changes", CHANGES),
        ("operations.json", "operations", OPERATIONS),
    )
    for manifest, stem, bodies in spellings:
        for name, (body, codes) in bodies.items():
            errors = [(manifest, code) for code in codes]
            yield Case(f"{stem}-{name}", {"foo.deb": DEB}, (manifest, body), errors)
