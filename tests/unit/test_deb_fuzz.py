"""Whatever the bytes: a Package, a Manifest or a RejectedError, and never anything else."""

from __future__ import annotations

import contextlib

import pytest
from debpress.deb import inspect, stanza
from debpress.errors import RejectedError
from debpress.manifest import parse
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.debs import FORMAT, Bytes, ar, control, deb, entry, pax, tar

SEEDS = [
    deb(),
    deb(control_form="", data_form=""),
    deb(control_form=".gz", data_form=".bz2"),
    deb(control_form=".zst", data_form=".zst"),
    ar(
        [
            FORMAT,
            ("control.tar", pax(path=b"./control") + tar([("x", control())])),
            ("data.tar", entry(b"./etc/motd", b"hello")),
            ("_gpgorigin", b"x"),
        ]
    ),
]
MANIFESTS = {
    "manifest.json": b'{"version": 1, "files": [{"name": "a.deb", "sha256": "%s", "size": 1}]}'
    % (b"0" * 64),
    "SHA256SUMS": b"%s  a.deb\n" % (b"0" * 64),
    "a.changes": b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nFormat: 1.8\n"
    b"Checksums-Sha256:\n %s 1 a.deb\n %s 1 a.dsc\nFiles:\n x 1 a b a.deb\n"
    b"-----BEGIN PGP SIGNATURE-----\n\nx\n-----END PGP SIGNATURE-----\n" % (b"0" * 64, b"1" * 64),
}


@st.composite
def mutated(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """A good input with some bytes replaced, removed, repeated or put in."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data)))
        length = draw(st.sampled_from([0, 1, 1, 1, 8, 60, 512]))
        put = draw(
            st.one_of(st.binary(max_size=8), st.sampled_from([b"", b"\n", b"\0", b"~", b"9"]))
        )
        data[at : at + length] = put * draw(st.sampled_from([1, 1, 1, length or 1]))
    return bytes(data)


def examine(data: bytes) -> None:
    with contextlib.suppress(RejectedError):
        package = inspect("foo_1.0_all.deb", Bytes(data), len(data), whole=len(data))
        text = stanza(package, filename="f", size=1, sha256="0")
        assert b"\n\n" not in text and text.endswith(b"\n") and text.startswith(b"Package: ")
        assert not any(line.startswith(b"#") for line in text.split(b"\n"))


@settings(max_examples=1500, deadline=None, derandomize=True)
@given(st.one_of(mutated(SEEDS), st.binary(max_size=200).map(lambda b: b"!<arch>\n" + b)))
def test_any_package(data: bytes) -> None:
    examine(data)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(mutated([SEEDS[1][132:2180]]))
def test_any_control_tar(body: bytes) -> None:
    examine(ar([FORMAT, ("control.tar", body), ("data.tar", bytes(512))]))


@settings(max_examples=700, deadline=None, derandomize=True)
@given(st.one_of(mutated([control(Source="a (1)", Depends="a (>= 1) | b, c")]), st.binary()))
def test_any_control_file(body: bytes) -> None:
    examine(deb(body, control_form="", data_form=""))


@pytest.mark.parametrize("name", MANIFESTS)
def test_any_manifest(name: str) -> None:
    @settings(max_examples=700, deadline=None, derandomize=True)
    @given(st.one_of(mutated([MANIFESTS[name]]), st.binary()))
    def check(body: bytes) -> None:
        with contextlib.suppress(RejectedError):
            found = parse(name, body)
            assert found.files
            assert all("/" not in f.name and f.name.isprintable() for f in found.files)

    check()


def test_the_seeds_are_good() -> None:
    for data in SEEDS:
        assert inspect("foo_1.0_all.deb", Bytes(data), len(data), whole=len(data)).package == "foo"
    for name, body in MANIFESTS.items():
        assert parse(name, body).files[0].name == "a.deb"
