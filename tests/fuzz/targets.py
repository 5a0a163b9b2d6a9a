"""What is fuzzed: each target takes any bytes, and nothing but the error it promises may come out.

Seeds are good inputs, so that a fuzzer begins behind the first checks.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from debpress import openpgp
from debpress.deb import inspect, stanza
from debpress.errors import (
    CorruptError,
    ProvenanceError,
    Refusal,
    RejectedError,
    SigningError,
)
from debpress.index import entries, gz, packages, relations, release, xz
from debpress.index.difference import difference
from debpress.index.entries import Entry
from debpress.index.form import Checksum, Form
from debpress.index.packages import Packages
from debpress.manifest import parse as parse_manifest
from debpress.openpgp import certificates, cleartext, packets, signatures
from debpress.provenance import bundles
from debpress.provenance.claims import claims_of
from debpress.provenance.judging import judge
from debpress.suite import operations

from tests.support.attesting import Sigstore
from tests.support.debs import FORMAT, Bytes, ar, control, deb, entry, pax, tar
from tests.support.mutations import link
from tests.support.press import quick_signers

_SUM = "0123456789abcdef" * 4


@dataclass(frozen=True, slots=True)
class Target:
    run: Callable[[bytes], None]
    seeds: Sequence[bytes]


# Packages


def _deb(data: bytes) -> None:
    with contextlib.suppress(RejectedError):
        package = inspect("foo_1.0_all.deb", Bytes(data), len(data), whole=len(data))
        text = stanza(package, filename="pool/f.deb", size=1, sha256=_SUM)
        [found] = entries.split(text + b"\n")
        # A stanza must be read back, by us and by apt, as exactly what was checked.
        assert found.identity == (package.package, package.version, package.architecture)
        assert found.text == text and text.startswith(b"Package: ")
        assert entries.field(text, "Filename") == "pool/f.deb"
        assert entries.field(text, "Size") == "1" and entries.field(text, "SHA256") == _SUM
        assert not any(line.startswith(b"#") for line in text.split(b"\n"))


def _data_tar(data: bytes) -> None:
    _deb(ar([FORMAT, ("control.tar", tar([("./control", control())])), ("data.tar", data)]))


def _control_tar(data: bytes) -> None:
    _deb(ar([FORMAT, ("control.tar", data), ("data.tar", bytes(1024))]))


def _control(data: bytes) -> None:
    _control_tar(entry(b"./control", data))


_CONTROLS = [
    control(),
    control(Source="src (2:1-1)", Depends="a (>= 1), b | c:any (<< 2~)", Provides="v (= 1)"),
    control(Version="1:2.0~rc1+dfsg-1+b2", Multi_Arch="foreign", Section="misc", Essential="no"),
    control(Description="x\r\n y\r", Filename="evil", SHA256="0"),
]
_TAR = tar([("./control", control())])
_LONG = entry(b"long", b"n" * 120 + b"\0", b"L")
_DEBS = [
    *(deb(control_form=form, data_form="") for form in ("", ".gz", ".xz", ".zst")),
    ar(
        [
            ("debian-binary/", b"2.1\nx\n"),
            ("_a", b"x"),
            ("control.tar/", _TAR),
            ("data.tar/", bytes(512)),
        ]
    ),
]


# Manifests


def _manifest(name: str) -> Callable[[bytes], None]:
    def run(data: bytes) -> None:
        try:
            found = parse_manifest(name, data)
        except RejectedError as error:
            assert error.refusals
            assert all(r.message.isprintable() and r.file == name for r in error.refusals)
            return
        assert found.files
        for file in found.files:
            assert "/" not in file.name and file.name.isprintable() and len(file.sha256) == 64
        assert not any("/" in other for other in found.others)

    return run


def _operations(data: bytes) -> None:
    try:
        found = operations.parse(data)
    except RejectedError as error:
        assert error.refusals and all(r.message.isprintable() for r in error.refusals)
        return
    kept = [json.loads(json.dumps(operations.as_json(each))) for each in found]
    assert tuple(operations.from_json(each) for each in kept) == found


_LISTED = {"name": "foo_1.0_all.deb", "sha256": _SUM, "size": 12}
_CHANGES = (
    f"Format: 1.8\nSource: foo\nDescription:\n foo - x\n .\nChecksums-Sha256:\n {_SUM} 1 a.deb\n"
    f" {_SUM} 2 a.dsc\nFiles:\n {_SUM[:32]} 1 misc optional a.deb\n"
)
_SIGNED = (
    "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n"
    f"{_CHANGES}-----BEGIN PGP SIGNATURE-----\n\niQIz\n-----END PGP SIGNATURE-----\n"
)
_OPERATIONS = [
    {"op": "remove", "packages": ["foo (<< 2.0)", "bar"], "architecture": "amd64", "force": True},
    {"op": "copy", "from": {"suite": "testing", "component": "main"}, "packages": ["foo (= 1:1)"]},
    {"op": "rollback", "to": 41},
    {"op": "prune"},
]


# What is published


def _packages(data: bytes) -> None:
    form = Form([data])
    for read in (gz.members, _inflated_gz, _inflated_xz):
        with contextlib.suppress(CorruptError):
            list(read(form))
    entries.split(data)
    with contextlib.suppress(CorruptError):
        for span in xz.blocks(form):
            xz.decompress(xz.read(form, span), span.sizes)
    with contextlib.suppress(CorruptError):
        difference(form, _BUILT.xz)
    with contextlib.suppress(CorruptError):
        list(Packages(form, _BUILT.xz).entries())
    with contextlib.suppress(CorruptError):
        list(Packages(_BUILT.gz, form).entries())
    relations.exact_dependencies(data)


def _inflated_gz(form: Form) -> Iterator[object]:
    return gz.inflate(form.pieces())


def _inflated_xz(form: Form) -> Iterator[object]:
    return xz.inflate(form.pieces())


def _stanzas() -> list[Entry]:
    texts = []
    for name in ("foo", "bar", "baz"):
        data = deb(control(Package=name, Depends="a (= 1), b"))
        package = inspect(f"{name}.deb", Bytes(data), len(data))
        texts.append(stanza(package, filename=f"pool/{name}.deb", size=9, sha256=_SUM))
    return sorted(Entry(entries.identify(text), text) for text in texts)


_BUILT = packages.build(_stanzas())


def _bytes(form: Form) -> bytes:
    return b"".join(form.pieces())


def _release(data: bytes) -> None:
    with contextlib.suppress(CorruptError):
        release.parse(data)


_RELEASE = release.Release(
    "Origin", "Label", "stable", "stable", datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC),
    ("amd64", "arm64"), ("main",), "Packages",
    {
        "main/binary-amd64/Packages": Checksum(_SUM, 5),
        "main/binary-amd64/Packages.xz": Checksum(_SUM, 32),
    },
).render()  # fmt: skip


def _inrelease(data: bytes) -> None:
    with contextlib.suppress(SigningError):
        openpgp.verify_clearsigned(data, _CERTIFICATES)
        # Whatever it may take for our signature's own form, the text is the one that was signed.
        assert openpgp.split(data)[0] == _RELEASE
    with contextlib.suppress(SigningError):
        text, found = openpgp.split(data)
        with contextlib.suppress(CorruptError):
            release.parse(text)
        for raw in found:
            signatures.parse(packets.read(raw)[0])


def _packets(data: bytes) -> None:
    with contextlib.suppress(SigningError):
        for found in packets.read(data):
            with contextlib.suppress(SigningError):
                signatures.parse(found)
    with contextlib.suppress(SigningError):
        certificates.parse(data)
    with contextlib.suppress(SigningError):
        openpgp.dearmor(data)
    with contextlib.suppress(SigningError):
        cleartext.canonical(data)
    with contextlib.suppress(SigningError):
        openpgp.verify_detached(_RELEASE, data, _CERTIFICATES)


# Bundles, as far as they are read without Sigstore's library


def _bundle(data: bytes) -> None:
    found = judge(None, None, "foo_1.0_all.deb", _SUM, data)
    assert isinstance(found, Refusal | None) and (found is None or found.message.isprintable())
    with contextlib.suppress(ProvenanceError):
        for each in bundles.split(data):
            bundles.logged_at(each)
            claims_of(bundles.certificate_of(each))


_SIGSTORE = Sigstore()
_SIGNERS = quick_signers()
_CERTIFICATES = _SIGNERS.certificates()
_INRELEASE = _SIGNERS.clearsign(_RELEASE, datetime(2026, 11, 23, 2, tzinfo=UTC))
_RELEASE_GPG = _SIGNERS.detached(_RELEASE, datetime(2026, 11, 23, 2, tzinfo=UTC))


_DATA_TARS = [
    entry(b"./", kind=b"5") + entry(b"./opt/", kind=b"5") + entry(b"./opt/x", b"y") + bytes(512),
    entry(b"./@LongLink", b"./etc/" + b"n" * 200 + b"\0", b"L") + entry(b"./etc/n"),
    entry(b"./etc/x", b"y") + link(b"./etc/z", b"./etc/x", b"1") + link(b"./etc/s", b"x", b"2"),
]

TARGETS: Mapping[str, Target] = {
    "deb": Target(_deb, _DEBS),
    "control-tar": Target(_control_tar, [_TAR, _LONG + _TAR, pax(path=b"./control") + _TAR]),
    "control": Target(_control, _CONTROLS),
    "data-tar": Target(_data_tar, _DATA_TARS),
    "manifest-json": Target(
        _manifest("manifest.json"), [json.dumps({"version": 1, "files": [_LISTED]}).encode()]
    ),
    "sha256sums": Target(_manifest("SHA256SUMS"), [f"{_SUM}  a.deb\n{_SUM} *./b.deb\n".encode()]),
    "changes": Target(_manifest("x.changes"), [_CHANGES.encode(), _SIGNED.encode()]),
    "operations": Target(
        _operations, [json.dumps({"version": 1, "operations": _OPERATIONS}).encode()]
    ),
    "packages": Target(_packages, [*map(_bytes, (_BUILT.xz, _BUILT.gz)), entries.join(_stanzas())]),
    "release": Target(_release, [_RELEASE]),
    "inrelease": Target(_inrelease, [_INRELEASE]),
    "bundle": Target(_bundle, [_SIGSTORE.attest(b"x"), _SIGSTORE.sign(b"x")]),
    "packets": Target(
        _packets,
        [_RELEASE_GPG, openpgp.dearmor(_RELEASE_GPG), _SIGNERS.key_asc(), _SIGNERS.key_gpg()],
    ),
}


def _any(data: bytes) -> None:
    """The first byte says for which target the others are: all of them in one process."""
    list(TARGETS.values())[data[0] % len(TARGETS) if data else 0].run(data[1:])


ANY = Target(
    _any,
    [bytes([n]) + seed for n, target in enumerate(TARGETS.values()) for seed in target.seeds],
)
