"""Good uploads: all that is legal is taken, and published as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from tests.corpus import Case, listing, sha256
from tests.support.debs import FORMAT, GOOD, ar, control, deb, entry, pax, tar

Fields = Mapping[str, str | None]

DATA = ("data.tar", tar([("./etc/motd", b"hello\n")]))


def _said(fields: Fields) -> dict[str, bytes]:
    """What a stanza must say of a control file with these fields."""
    merged = {**GOOD, **{name.replace("_", "-"): value for name, value in fields.items()}}
    dropped = (
        *("Filename", "Size", "SHA512", "MD5sum", "Checksum-FileSize", "Conffiles"),
        "Description-md5",
    )
    # An empty Provides is left out too.
    merged = {n: v for n, v in merged.items() if v or n != "Provides"}
    return {n: v.encode() for n, v in merged.items() if v is not None and n not in dropped}


def _case(name: str, fields: Fields, file: str = "", data: bytes | None = None) -> Case:
    """One package, by a name of its own, since all are published into one suite."""
    own: Fields = {"Package": f"case-{name}", **fields}
    body = deb(control(**own), control_form=".gz", data_form="") if data is None else data
    files = {file or f"{name}.deb": body}
    return Case(name, files, listing(files), stanzas=[_said(own)])


FIELDS: dict[str, Fields] = {
    "name-one-letter": {"Package": "f"},
    "name-one-digit": {"Package": "7"},
    "name-200-letters": {"Package": "f" * 200},
    "name-plus": {"Package": "libstdc++6"},
    "name-dots": {"Package": "python3.11-minimal"},
    "name-digit-first": {"Package": "0ad"},
    "name-plus-last": {"Package": "g++"},
    "name-lib": {"Package": "lib"},
    **{
        f"version-{number:02}": {"Version": version}
        for number, version in enumerate(
            ("0", "1", "1.0-1", "1:1.0", "0:1.0", "2147483647:1", "1.0~rc1", "1.0~~", "1.0+b1",
             "1.0+dfsg-1+b2", "1:2.0~rc1+dfsg-1+b2~bpo12+1", "20261123", "1.0-1-1", "1:2:3-4",
             "1.0-0", "1a", "1.", "0~", "9" * 100, "1.0-1.1", "1+really0.9-1"),
        )
    },
    "architecture-amd64": {"Architecture": "amd64"},
    "architecture-arm64": {"Architecture": "arm64"},
    "depends-empty": {"Depends": "", "Section": "misc"},
    "depends-versions": {"Depends": "a (<< 1), b (<= 1:1), c (= 1-1), d (>= 1~), e (>> 1)"},
    "depends-old-operators": {"Depends": "a (< 1), b (> 1)"},
    "depends-alternatives": {"Depends": "a | b | c (>= 1)"},
    "depends-tight": {"Depends": "a(>=1)|b,c( <<2 )"},
    "depends-folded": {"Depends": "a,\n b,\n  c"},
    "depends-architectures": {"Depends": "a:any, b:amd64 (>= 1)"},
    "depends-8000": {"Depends": ", ".join(f"package-{n} (>= 1.{n})" for n in range(8000))},
    "relations-all": {
        "Pre-Depends": "a", "Recommends": "b", "Suggests": "c | d", "Enhances": "e",
        "Conflicts": "f (<< 1)", "Breaks": "g", "Replaces": "h", "Provides": "i (= 1), j",
    },
    "description-none": {"Description": None},
    "description-one-line": {"Description": "x"},
    "description-64-kb": {"Description": "x\n" + "\n".join([" " + "y" * 78] * 820)},
    "description-utf-8": {"Description": "na\u00efve \u2014 \u4e2d\n \u00e9"},
    "description-dots": {"Description": "x\n .\n .\n y\n ."},
    "description-tabs": {"Description": "x\n \ty\n \t z"},
    "description-colons": {"Description": "x\n Package: evil\n Version: 0"},
    "line-of-900-kilobytes": {"Homepage": "https://example.org/" + "x" * 900_000},
    "fields-many": {f"X-Field-{n}": str(n) for n in range(500)},
    "fields-odd": {"X-!$%&'()*+": "y", "X_under": "y", "Xx": "y"},
    "field-with-hash": {"X-Note": "# no comment"},
    "own-filename": {"Filename": "../../evil", "Size": "1", "SHA512": "0" * 128, "MD5sum": "x"},
    "own-size": {"Checksum-FileSize": "1", "Description-md5": "0" * 32},
    "own-conffiles": {"Conffiles": "\n /etc/x 0123456789abcdef0123456789abcdef obsolete"},
    "provides-empty": {"Provides": "", "Section": "misc"},
    "multi-arch-foreign": {"Multi-Arch": "foreign"},
    "multi-arch-allowed": {"Multi-Arch": "allowed"},
    "multi-arch-no": {"Multi-Arch": "no"},
    "multi-arch-same": {"Multi-Arch": "same", "Architecture": "amd64"},
    "essential": {"Essential": "yes", "Protected": "yes", "Important": "no"},
    "section-with-slash": {"Section": "non-free/games", "Priority": "optional"},
    "source": {"Source": "other"},
    "source-version": {"Source": "other (1:2.0-1)"},
    "source-library": {"Source": "libother"},
    "no-maintainer": {"Maintainer": None},
    "maintainer-odd": {"Maintainer": "\"A, B\" <a+b@x> (c)"},
    "built-using": {"Built-Using": "gcc (= 1)", "Installed-Size": "12"},
}  # fmt: skip

# Names of a file that say the same as its control file, or nothing.
FILES = (
    "foo_3.0+b1~x_all.deb", "foo_3%3a3.0+b1~x_all.deb", "foo_3:3.0+b1~x_all.deb",
    "foo_3.0%2bb1%7ex_all.deb", "foo.deb", "foo_latest.deb", "a_b_c_d.deb", "with a blank.deb",
    "\u00e4\u4e2d.deb", "x" * 251 + ".deb", "#?&+%.deb", ".deb",
)  # fmt: skip


def _forms() -> Iterator[Case]:
    for form in ("", ".gz", ".xz", ".zst"):
        for data in ("", ".gz", ".xz", ".zst", ".bz2", ".lzma"):
            name = f"packed-{form or '.none'}-{data or '.none'}".replace(".", "")
            text = control(Package=f"case-{name}")
            yield _case(name, {}, data=deb(text, control_form=form, data_form=data))


def _shapes() -> Iterator[Case]:
    """Odd but legal archives."""

    def shape(name: str, make: dict[str, bytes]) -> Iterator[Case]:
        for each, data in make.items():
            yield _case(f"{name}-{each}", {}, data=data)

    def around(name: str) -> tuple[bytes, tuple[str, bytes]]:
        text = control(Package=name)
        return text, ("control.tar", tar([("./control", text)]))

    archives = {}
    _, member = around("case-ar-signed")
    archives["signed"] = ar([FORMAT, member, DATA, ("_gpgorigin", b"odd")])
    _, member = around("case-ar-trailing")
    archives["trailing"] = ar([FORMAT, member, DATA, ("anything", b"x"), ("more", b"")])
    _, member = around("case-ar-underscored")
    archives["underscored"] = ar([FORMAT, ("_a", b"x"), member, ("_b", b""), DATA])
    _, member = around("case-ar-newer-minor")
    archives["newer-minor"] = ar([("debian-binary", b"2.9\nmore\n"), member, DATA])
    _, member = around("case-ar-gnu-names")
    archives["gnu-names"] = ar([("debian-binary/", b"2.0\n"), ("control.tar/", member[1]), DATA])
    yield from shape("ar", archives)

    tars = {}
    text, _ = around("case-tar-plain-name")
    tars["plain-name"] = tar([("control", text)])
    text, _ = around("case-tar-among-others")
    tars["among-others"] = tar(
        [("./md5sums", b"x" * 9000), ("./control", text), ("./postinst", b"")]
    )
    text, _ = around("case-tar-no-end")
    tars["no-end"] = tar([("./control", text)])[:-1024]
    text, _ = around("case-tar-folder-first")
    tars["folder-first"] = entry(b"./", kind=b"5") + tar([("./control", text)])
    text, _ = around("case-tar-long-names")
    tars["long-names"] = entry(b"n", b"x" * 200 + b".y\0", b"L") + tar(
        [("y", b""), ("control", text)]
    )
    text, _ = around("case-tar-pax-name")
    tars["pax-name"] = pax(mtime=b"1.5", path=b"./control") + tar([("./cut", text)])
    text, _ = around("case-tar-v7")
    tars["v7"] = entry(b"control", text, b"\0", magic=b"") + bytes(1024)
    text, _ = around("case-tar-noise-behind")
    tars["noise-behind"] = tar([("./control", text)]) + b"\x55" * 5000
    text, _ = around("case-tar-5000-sums")
    sums = b"".join(b"%032x  usr/share/foo/%d\n" % (n, n) for n in range(5000))
    tars["5000-sums"] = tar([("./md5sums", sums), ("./control", text)])
    for name, body in tars.items():
        yield _case(f"tar-{name}", {}, data=ar([FORMAT, ("control.tar", body), DATA]))


def _texts() -> Iterator[Case]:
    """Control files in bytes that no dictionary makes."""
    latin = control(Package="case-latin-1", Maintainer="J@r").replace(b"J@r", b"J\xe9r")
    yield _raw("latin-1", latin, {"Maintainer": b"J\xe9r"})
    crlf = control(Package="case-crlf").replace(b"\n", b"\r\n")
    yield _raw("crlf", crlf, {"Package": b"case-crlf", "Description": GOOD["Description"].encode()})
    around = b"\n\n" + control(Package="case-newlines") + b"\n\n\n"
    yield _raw("newlines", around, {"Package": b"case-newlines"})
    blanks = b"Package :   case-blanks \t\n" + control(Package=None)
    yield _raw("blanks", blanks, {"Package": b"case-blanks"})
    lower = b"package: case-lower\n" + control(Package=None)
    yield _raw("lower", lower, {"Package": b"case-lower"})


def _raw(name: str, text: bytes, said: Mapping[str, bytes]) -> Case:
    files = {f"{name}.deb": deb(text, control_form=".gz", data_form="")}
    return Case(name, files, listing(files), stanzas=[{"Package": f"case-{name}".encode(), **said}])


def _manifests() -> Iterator[Case]:
    def named(name: str) -> tuple[dict[str, bytes], str, list[dict[str, bytes]]]:
        fields = {"Package": f"case-{name}"}
        data = deb(control(**fields), control_form="", data_form="")
        return {"a.deb": data}, sha256(data), [_said(fields)]

    def case(name: str, manifest: str, form: str, ignored: tuple[str, ...] = ()) -> Case:
        files, total, said = named(name)
        size = len(files["a.deb"])
        body = form.replace("SUM", total).replace("UPPER", total.upper()).replace("SIZE", str(size))
        return Case(name, files, (manifest, body.encode()), stanzas=said, ignored=ignored)

    row = '{"name": "a.deb", "sha256": "SUM"}'
    one = '{"version": 1, "files": [ROW]}'
    yield case("json-no-size", "manifest.json", one.replace("ROW", row))
    yield case("json-upper", "manifest.json", one.replace("ROW", row.replace("SUM", "UPPER")))
    other = '\n{"files": [ROW],\n "version": 1}\n'
    yield case("json-order", "manifest.json", other.replace("ROW", row))
    escaped = one.replace("ROW", row.replace("a.deb", "\\u0061.deb"))
    yield case("json-escapes", "manifest.json", escaped)
    yield case("sums-text", "SHA256SUMS", "SUM  a.deb\n")
    yield case("sums-binary", "SHA256SUMS", "SUM *a.deb\n")
    yield case("sums-folder", "SHA256SUMS", "SUM  ./a.deb\n")
    yield case("sums-tagged", "SHA256SUMS", "SHA256 (a.deb) = SUM\n")
    yield case("sums-openssl", "SHA256SUMS", "SHA2-256(a.deb)= SUM\n")
    yield case("sums-crlf", "SHA256SUMS", "SUM  a.deb\r\n")
    yield case("sums-no-newline", "SHA256SUMS", "UPPER  a.deb")
    yield case("sums-comments", "SHA256SUMS", "# by CI\n\nSUM  a.deb\n\n")
    changes = (
        "Format: 1.8\nChecksums-Sha256:\n SUM SIZE a.deb\n SUM 1 a.dsc\nFiles:\n x SIZE m o a.deb\n"
    )
    signed = (
        f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{changes}"
        "-----BEGIN PGP SIGNATURE-----\n\nx\n-----END PGP SIGNATURE-----\n"
    )
    yield case("changes", "a.changes", changes, ("a.dsc",))
    yield case("changes-signed", "a_1.0_amd64.changes", signed, ("a.dsc",))
    yield case("changes-crlf", ".changes", changes.replace("\n", "\r\n"), ("a.dsc",))


def _batches() -> Iterator[Case]:
    fields = [
        {"Package": f"case-many-{n}", "Architecture": a}
        for n in range(20)
        for a in ("amd64", "arm64")
    ]
    files = {
        f"{n}.deb": deb(control(**f), control_form="", data_form="") for n, f in enumerate(fields)
    }
    yield Case("many", files, listing(files), stanzas=[_said(f) for f in fields])
    yield Case("many-again", files, listing(files), stanzas=[_said(f) for f in fields])
    versions = [{"Package": "case-versions", "Version": f"1.{n}"} for n in range(20)]
    files = {
        f"{n}.deb": deb(control(**f), control_form="", data_form="") for n, f in enumerate(versions)
    }
    yield Case("versions", files, listing(files), stanzas=[_said(f) for f in versions])
    own = {"Package": "case-strays"}
    files = {"a.deb": deb(control(**own))}
    strays = {**files, "b.deb": b"", "a.buildinfo": b"x", "\u00fc": b""}
    ignored = ("a.buildinfo", "b.deb", "\u00fc")
    yield Case("strays", strays, listing(files), stanzas=[_said(own)], ignored=ignored)
    twins = {"a.deb": files["a.deb"], "b.deb": files["a.deb"]}
    yield Case("twins", twins, listing(twins), stanzas=[_said(own)] * 2)
    for batch in ("7", "A.b_c-D", "a" * 128, "a..b"):
        yield Case(f"batch-{batch[:9]}", files, listing(files), stanzas=[_said(own)], batch=batch)


def _operations() -> Iterator[Case]:
    place = {"suite": "stable", "component": "main"}
    two = ["case-many-0", "case-many-1 (<< 2)"]
    listed = {
        "prune": {"op": "prune"},
        "remove-nothing": {"op": "remove", "packages": ["no-such-package"]},
        "remove": {"op": "remove", "packages": two, "force": True},
        "remove-one": {"op": "remove", "packages": ["case-many-2"], "architecture": "amd64"},
        "copy": {"op": "copy", "from": place, "packages": ["case-many-3"]},
        "rollback": {"op": "rollback", "to": 2},
    }
    for name, operation in listed.items():
        body = json.dumps({"version": 1, "operations": [operation]}).encode()
        yield Case(f"operation-{name}", {}, ("operations.json", body))


def good() -> Iterator[Case]:
    """In this order: some need what was published before them."""
    for name, fields in FIELDS.items():
        yield _case(name, fields)
    for number, file in enumerate(FILES):
        fields = {"Package": "foo", "Version": "3:3.0+b1~x", "X-Note": str(number)}
        data = deb(control(Package="foo", Version="3:3.0+b1~x"))
        yield Case(f"file-{number}", {file: data}, listing({file: data}),
                   stanzas=[_said({k: v for k, v in fields.items() if k != "X-Note"})])  # fmt: skip
    for make in (_forms, _shapes, _texts, _manifests, _batches, _operations):
        yield from make()
