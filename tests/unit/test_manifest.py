"""The three spellings of a manifest: what each accepts, and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from debpress.errors import Code, RejectedError
from debpress.manifest import Listed, Manifest, parse

SUM = "0123456789abcdef" * 4
GOOD = {"name": "foo_1.0_all.deb", "sha256": SUM, "size": 12}


def codes(name: str, body: bytes | str) -> list[Code]:
    try:
        parse(name, body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body)
    except RejectedError as error:
        assert all(r.file == name and r.message.isprintable() for r in error.refusals)
        return [r.code for r in error.refusals]
    return []


def written(*entries: Any, **changed: Any) -> str:
    return json.dumps({"version": 1, "files": list(entries or [GOOD]), **changed})


# manifest.json


def test_json_lists_names_sums_and_perhaps_sizes() -> None:
    body = written(GOOD, {"name": "bar.deb", "sha256": SUM.upper()})
    assert parse("manifest.json", body.encode()) == Manifest(
        (Listed("foo_1.0_all.deb", SUM, 12), Listed("bar.deb", SUM, None))
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", [Code.MANIFEST_UNREADABLE]),
        (b"{", [Code.MANIFEST_UNREADABLE]),
        (b"\xff\xfe{\x00}\x00", [Code.MANIFEST_UNREADABLE]),
        (b"\xef\xbb\xbf" + written().encode(), [Code.MANIFEST_UNREADABLE]),
        (written().encode("utf-16-le"), [Code.MANIFEST_UNREADABLE]),
        (b'{"name": "J\xe9r"}', [Code.MANIFEST_UNREADABLE]),
        (b"[" * 2_000_000, [Code.MANIFEST_UNREADABLE]),
        (b'{"a":' * 500_000, [Code.MANIFEST_UNREADABLE]),
        (b"9" * 5000, [Code.MANIFEST_UNREADABLE]),
        (written() + "x", [Code.MANIFEST_UNREADABLE]),
        (written(version=float("nan")), [Code.MANIFEST_UNREADABLE]),
        ("[]", [Code.MANIFEST_UNREADABLE]),
        ('"x"', [Code.MANIFEST_UNREADABLE]),
        ("null", [Code.MANIFEST_UNREADABLE]),
        (" " * 9_000_000, [Code.TOO_LARGE]),
        (written(version=2), [Code.MANIFEST_VERSION]),
        (written(version=True), [Code.MANIFEST_VERSION]),
        (written(version=1.0), [Code.MANIFEST_VERSION]),
        (written(version="1"), [Code.MANIFEST_VERSION]),
        (json.dumps({"files": [GOOD]}), [Code.MANIFEST_VERSION]),
        (written(files=[]), [Code.MANIFEST_EMPTY]),
        (written(files={}), [Code.MANIFEST_FIELD]),
        (written(files=None), [Code.MANIFEST_FIELD]),
        (json.dumps({"version": 1}), [Code.MANIFEST_FIELD]),
        (written(extra=1), [Code.MANIFEST_FIELD]),
        (written(7), [Code.MANIFEST_FIELD]),
        (written([GOOD]), [Code.MANIFEST_FIELD]),
        (written({**GOOD, "md5": "x"}), [Code.MANIFEST_FIELD]),
        (written().replace("{", '{"version": 1, ', 1), [Code.MANIFEST_FIELD]),
        (written().replace('"size"', '"name": "b.deb", "size"'), [Code.MANIFEST_FIELD]),
        (written({"sha256": SUM}), [Code.MANIFEST_FIELD]),
        (written({**GOOD, "name": 1}), [Code.MANIFEST_FIELD]),
        (written({"name": "a.deb"}), [Code.SUM_MALFORMED]),
        (written({**GOOD, "sha256": None}), [Code.SUM_MALFORMED]),
        (written({**GOOD, "sha256": SUM[1:]}), [Code.SUM_MALFORMED]),
        (written({**GOOD, "sha256": SUM + "\n"}), [Code.SUM_MALFORMED]),
        (written({**GOOD, "sha256": "\u0661" * 64}), [Code.SUM_MALFORMED]),
        (written({**GOOD, "size": "12"}), [Code.MANIFEST_FIELD]),
        (written({**GOOD, "size": None}), [Code.MANIFEST_FIELD]),
        (written({**GOOD, "size": True}), [Code.MANIFEST_FIELD]),
        (written({**GOOD, "size": 1.0}), [Code.MANIFEST_FIELD]),
        (written({**GOOD, "size": -1}), [Code.MANIFEST_FIELD]),
        (written({**GOOD, "size": 10**30}), [Code.MANIFEST_FIELD]),
        (written(GOOD, GOOD), [Code.NAME_DUPLICATE]),
        (written(*[{**GOOD, "name": f"{n}.deb"} for n in range(10_001)]), [Code.TOO_LARGE]),
    ],
    ids=lambda value: str(value[:50]),
)  # fmt: skip
def test_json_that_is_not_exactly_that_is_refused(body: bytes | str, expected: list[Code]) -> None:
    assert codes("manifest.json", body) == expected


BAD_NAMES = [
    "../foo.deb", "/foo.deb", "a/foo.deb", "./foo.deb", "foo\0.deb", "foo\n.deb", "foo\x1b[2J.deb",
    "foo\u202e.deb", "foo\u2028.deb", "foo\x85.deb", "\ud800.deb", "x" * 252 + ".deb",
    "\u00e9" * 126 + ".deb",
]  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES, ids=repr)
def test_a_name_that_is_not_a_plain_file_name_is_refused(name: str) -> None:
    assert codes("manifest.json", written({**GOOD, "name": name})) == [Code.NAME_UNSAFE]


@pytest.mark.parametrize("name", ["", "..", ".", "foo", "manifest.json", "foo.dsc", "foo.DEB"])
def test_a_name_that_is_no_package_is_refused(name: str) -> None:
    assert set(codes("manifest.json", written({**GOOD, "name": name}))) == {Code.NAME_UNSAFE}


@pytest.mark.parametrize("name", ["x" * 251 + ".deb", ".deb", "a b+~%3a:1.deb", "\u00e9.deb"])
def test_any_other_plain_name_is_taken(name: str) -> None:
    assert codes("manifest.json", written({**GOOD, "name": name})) == []


def test_all_errors_are_told_at_once() -> None:
    body = written({**GOOD, "name": "../x", "sha256": "0"}, GOOD, GOOD, 7, version=3, more=1)
    assert codes("manifest.json", body) == [
        Code.MANIFEST_FIELD,
        Code.MANIFEST_VERSION,
        Code.NAME_UNSAFE,
        Code.NAME_UNSAFE,
        Code.SUM_MALFORMED,
        Code.NAME_DUPLICATE,
        Code.MANIFEST_FIELD,
    ]


def test_control_characters_reach_no_log() -> None:
    with pytest.raises(RejectedError) as caught:
        parse("manifest.json", written({**GOOD, "name": "a\nb\x1b.deb"}).encode())
    assert str(caught.value).isprintable()
    assert r"'a\nb\x1b.deb'" in str(caught.value)


def test_a_million_wrong_entries_are_told_as_a_thousand_and_a_number() -> None:
    with pytest.raises(RejectedError) as caught:
        parse("manifest.json", b'{"version":1,"files":[' + b"1," * 10**6 + b"1]}")
    assert len(caught.value.refusals) == 1001


# SHA256SUMS


@pytest.mark.parametrize(
    "line",
    [f"{SUM}  a.deb\n", f"{SUM} *a.deb\n", f"{SUM}  ./a.deb\n", f"{SUM}  a.deb\r\n",
     f"{SUM}  a.deb", f"# by CI\n\n{SUM}  a.deb\n\n", f"{SUM.upper()}  a.deb\n",
     f"SHA256 (a.deb) = {SUM}\n", f"SHA2-256(./a.deb)= {SUM}\r\n", f"SHA256(a.deb)= {SUM}"],
    ids=["text", "binary", "./", "CRLF", "no newline", "comment and empty lines", "upper case",
         "--tag", "openssl 3", "openssl 1"],
)  # fmt: skip
def test_sums_are_read_as_sha256sum_writes_and_reads_them(line: str) -> None:
    assert parse("SHA256SUMS", line.encode()) == Manifest((Listed("a.deb", SUM, None),))


@pytest.mark.parametrize("name", ["a b.deb", " a.deb", "*a.deb"])
def test_sums_keep_odd_names_whole(name: str) -> None:
    assert parse("SHA256SUMS", f"{SUM}  {name}\n".encode()).files[0].name == name


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", [Code.MANIFEST_EMPTY]),
        (b"# nothing\n\n", [Code.MANIFEST_EMPTY]),
        (f"{SUM}\n", [Code.MANIFEST_UNREADABLE]),
        (f"{SUM} a.deb\n", [Code.MANIFEST_UNREADABLE]),
        (f"SHA256 (a.deb) = {SUM[1:]}\n", [Code.SUM_MALFORMED]),
        (f"SHA512 (a.deb) = {SUM * 2}\n", [Code.SUM_MALFORMED]),
        (f"SHA256  (a.deb) = {SUM}\n", [Code.NAME_UNSAFE, Code.SUM_MALFORMED]),
        (f"SHA256 (../a.deb) = {SUM}\n", [Code.NAME_UNSAFE]),
        (b"\xff\n", [Code.MANIFEST_UNREADABLE]),
        (f"\ufeff{SUM}  a.deb\n", [Code.MANIFEST_UNREADABLE]),
        (f"{SUM[:40]}  a.deb\n", [Code.SUM_MALFORMED]),
        (f"\\{SUM}  a\\nb.deb\n", [Code.NAME_UNSAFE]),
        (f"{SUM}  a\rb.deb\n", [Code.NAME_UNSAFE]),
        (f"{SUM}  /x/a.deb\n", [Code.NAME_UNSAFE]),
        (f"{SUM}  ././a.deb\n", [Code.NAME_UNSAFE]),
        (f"{SUM}  SHA256SUMS\n", [Code.NAME_UNSAFE] * 2),
        (f"{SUM}  a.deb\n{SUM}  ./a.deb\n", [Code.NAME_DUPLICATE]),
        (f"nonsense\n{SUM}  a.dsc\n{SUM[1:]}  b.deb\n",
         [Code.MANIFEST_UNREADABLE, Code.NAME_UNSAFE, Code.SUM_MALFORMED]),
    ],
    ids=lambda value: str(value[:50]),
)  # fmt: skip
def test_other_sums_are_refused(body: bytes | str, expected: list[Code]) -> None:
    assert codes("SHA256SUMS", body) == expected


# *.changes

CHANGES = f"""Format: 1.8
Source: foo
Description:
 foo        - text
 .
 more
Checksums-Sha1:
 {SUM[:40]} 12 foo_1.0_all.deb
Checksums-Sha256:
 {SUM} 12 foo_1.0_all.deb
 {SUM} 13 foo_1.0.dsc
 {SUM} 14 foo_1.0_amd64.buildinfo
 {SUM} 15 foo-dbgsym_1.0_amd64.ddeb
Files:
 {SUM[:32]} 12 misc optional foo_1.0_all.deb
"""
SIGNED = f"""-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA512

{CHANGES}
-----BEGIN PGP SIGNATURE-----

iQIzBAEBCgAdFiEE
-----END PGP SIGNATURE-----
"""


@pytest.mark.parametrize("body", [CHANGES, SIGNED, SIGNED.replace("\n", "\r\n")],
                         ids=["unsigned", "signed", "CRLF"])  # fmt: skip
def test_changes_list_packages_and_others(body: str) -> None:
    assert parse("foo_1.0_amd64.changes", body.encode()) == Manifest(
        (Listed("foo_1.0_all.deb", SUM, 12),),
        ("foo_1.0.dsc", "foo_1.0_amd64.buildinfo", "foo-dbgsym_1.0_amd64.ddeb"),
    )


@pytest.mark.parametrize("left", ["\x1b[31mred\x1b[0m", "\x0c", "a\rb", "\0", "\x1a", "\x1c\x85"])
def test_what_an_editor_or_a_terminal_left_in_a_changelog_does_not_matter(left: str) -> None:
    body = changed(" more\n", f" more\nChanges:\n {left}\n  * {left}\n .\n").encode()
    assert parse("x.changes", body) == parse("x.changes", CHANGES.encode())


@pytest.mark.parametrize("field", ["Checksums-Sha256", "Files", "files "])
def test_in_the_fields_that_are_read_it_does(field: str) -> None:
    body = changed(f"{field.strip().title()}:\n", f"{field}:\n \x1b[31m\n")
    assert Code.MANIFEST_UNREADABLE in codes("x.changes", body)


def test_a_long_line_of_sums_is_clipped() -> None:
    for line in ("A" * 10**6 + " (a.deb) = 0", "A(" + ") = a" * 10**5, "A" * 10**6):
        with pytest.raises(RejectedError) as caught:
            parse("SHA256SUMS", line.encode())
        assert all(len(refusal.message) < 500 for refusal in caught.value.refusals)


def changed(old: str, new: str) -> str:
    assert old in CHANGES
    return CHANGES.replace(old, new, 1)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", [Code.MANIFEST_UNREADABLE]),
        (b"\n \n", [Code.MANIFEST_UNREADABLE]),
        (b"\0\xff", [Code.MANIFEST_UNREADABLE, Code.MANIFEST_FIELD]),
        (SIGNED.partition("Format")[0], [Code.MANIFEST_UNREADABLE]),
        (SIGNED.replace("MESSAGE-----\nHash: SHA512\n\n", "MESSAGE-----\n"),
         [Code.MANIFEST_UNREADABLE]),
        (changed("Checksums-Sha256", "Checksums-Sha512"), [Code.MANIFEST_FIELD]),
        (changed("Source", "Format"), [Code.MANIFEST_UNREADABLE]),
        (changed("Source", "#"), [Code.MANIFEST_UNREADABLE]),
        (changed(f"{SUM} 12 ", f"{SUM} "), [Code.MANIFEST_FIELD, Code.SUM_MALFORMED]),
        (changed(f"{SUM} 12 ", f"{SUM} -12 "), [Code.MANIFEST_FIELD]),
        (changed(f"{SUM} 12 ", f"{SUM} \u0661 "), [Code.MANIFEST_FIELD]),
        (changed(f"{SUM} 12 ", f"{SUM[1:]} 12 "), [Code.SUM_MALFORMED]),
        (changed("13 foo_1.0.dsc", "13 foo_1.0_all.deb"), [Code.NAME_DUPLICATE]),
        (changed("13 foo_1.0.dsc", "13 ../foo_1.0.dsc"), [Code.NAME_UNSAFE]),
        (changed("13 foo_1.0.dsc", "13 x.changes"), [Code.NAME_UNSAFE]),
        (changed("optional foo_1.0_all.deb", "optional bar_1.0_all.deb"), [Code.SUM_MALFORMED]),
        (CHANGES.replace("foo_1.0_all.deb", "foo_1.0_all.udeb"), [Code.MANIFEST_EMPTY]),
    ],
    ids=lambda value: str(value[:30]),
)  # fmt: skip
def test_changes_without_whole_sums_of_plain_names_are_refused(
    body: bytes | str, expected: list[Code]
) -> None:
    assert codes("x.changes", body) == expected


def test_another_name_is_no_manifest() -> None:
    assert Code.MANIFEST_UNREADABLE in codes("operations.jsn", "{}")
