"""Bad batches: every part may be good, and together they are not."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.corpus import Case, listing, sha256
from tests.support.debs import control, deb

# What the test has published before, and the most it lets a package be.
TAKEN = deb(control(Package="taken", Version="1:1.0-1"))
MOST_BYTES = 40_000_000

_FOO, _BAR = deb(), deb(control(Package="bar"))


def _told(**sums: tuple[str, int]) -> tuple[str, bytes]:
    files = [{"name": f"{n}.deb", "sha256": s, "size": size} for n, (s, size) in sums.items()]
    return "manifest.json", json.dumps({"version": 1, "files": files}).encode()


def _sums(*lines: tuple[str, str]) -> tuple[str, bytes]:
    return "SHA256SUMS", "".join(f"{s}  {n}\n" for s, n in lines).encode()


def _alone(name: str, data: bytes, code: str) -> Case:
    files = {"foo.deb": data}
    return Case(name, files, listing(files), [("foo.deb", code)])


def bad() -> Iterator[Case]:
    foo, bar = sha256(_FOO), sha256(_BAR)
    both = {"foo.deb": _FOO, "bar.deb": _BAR}
    yield Case("no-files", {}, listing(both), [(name, "file-missing") for name in both])
    yield Case("one-missing", {"foo.deb": _FOO}, listing(both), [("bar.deb", "file-missing")])
    yield Case("sums-missing", {}, _sums((foo, "foo.deb")), [("foo.deb", "file-missing")])
    swapped = {"foo.deb": _BAR, "bar.deb": _FOO}
    yield Case("swapped", swapped, _sums((foo, "foo.deb"), (bar, "bar.deb")),
               [(name, "sum-mismatch") for name in both])  # fmt: skip
    yield Case("size", both, _told(foo=(foo, len(_FOO) + 1), bar=(bar, len(_BAR))),
               [("foo.deb", "size-mismatch")])  # fmt: skip
    yield Case("sum", both, _told(foo=("0" * 64, len(_FOO)), bar=(bar, len(_BAR))),
               [("foo.deb", "sum-mismatch")])  # fmt: skip
    cut = ("size-mismatch", "sum-mismatch", "deb-truncated")
    yield Case("upload-cut", {"foo.deb": _FOO[:-40]}, listing({"foo.deb": _FOO}),
               [("foo.deb", code) for code in cut])  # fmt: skip
    yield Case(
        "all-at-once",
        {"foo.deb": b"no package", "bar.deb": deb(control(Architecture="riscv64"))},
        _told(foo=(foo, 10), bar=(bar, 1), baz=(foo, 1)),
        [("foo.deb", "sum-mismatch"), ("foo.deb", "deb-malformed"), ("bar.deb", "size-mismatch"),
         ("bar.deb", "sum-mismatch"), ("bar.deb", "architecture-unknown"),
         ("baz.deb", "file-missing")],
    )  # fmt: skip
    yield _alone("large", bytes(MOST_BYTES + 1), "too-large")
    for name, fields in {
        "other-bytes": {"Description": "other"},
        "other-spelling": {"Version": "01:1.0-1"},
        "other-digits": {"Version": "1:1.00-01"},
    }.items():
        data = deb(control(**{"Package": "taken", "Version": "1:1.0-1", **fields}))
        yield _alone(f"taken-{name}", data, "version-reused")
        files = {"foo.deb": data}
        errors = [("foo.deb", "version-reused")]
        yield Case(f"taken-extra-{name}", files, listing(files), errors, component="extra")
    twice = {"a.deb": _FOO, "b.deb": deb(control(Description="other")), "c.deb": _BAR}
    yield Case("twice", twice, listing(twice), [("b.deb", "version-reused")])
    spelled = {"a.deb": _FOO, "b.deb": deb(control(Version="0:1.0-0"))}
    yield Case("twice-spelled", spelled, listing(spelled), [("b.deb", "version-reused")])
    manifest = listing({"foo.deb": _FOO})
    for suite, component, code in (
        ("nowhere", "main", "suite-unknown"),
        ("stable-", "main", "suite-unknown"),
        ("stable", "contrib", "component-unknown"),
        ("testing", "main.", "component-unknown"),
    ):
        yield Case(f"place-{suite}-{component}", {"foo.deb": _FOO}, manifest,
                   [("manifest.json", code)], suite=suite, component=component)  # fmt: skip
    for number, batch in enumerate(("a b", "-a", ".hidden", "ä", "a" * 129, "a+b", "a:b", "%2e")):
        yield Case(f"batch-{number}", {"foo.deb": _FOO}, manifest,
                   [("manifest.json", "key-malformed")], batch=batch)  # fmt: skip
