"""Reading a package: what is accepted, in how many reads, and what its stanza says."""

from __future__ import annotations

import contextlib
import random
import time

import pytest
from debian.deb822 import Packages
from debpress.deb import Package, inspect, stanza
from debpress.deb.window import AHEAD
from debpress.errors import Code, RejectedError

from tests.support import debs
from tests.support.debs import FORMAT, GOOD, Bytes, ar, control, deb, entry, member, pax, tar

CONTROL = ("control.tar", tar([("./control", control())]))
DATA = ("data.tar", tar([("./etc/motd", b"hello\n")]))


def read(data: bytes, name: str = "foo.deb") -> Package:
    return inspect(name, Bytes(data), len(data))


def codes(data: bytes, name: str = "foo.deb", size: int | None = None) -> list[Code]:
    """The codes of the refusals, in order; [] if the package is accepted."""
    try:
        inspect(name, Bytes(data), len(data) if size is None else size)
    except RejectedError as error:
        assert all(r.file == name and r.message.isprintable() for r in error.refusals)
        return [r.code for r in error.refusals]
    return []


def with_tar(body: bytes, name: str = "control.tar") -> bytes:
    return ar([FORMAT, (name, body), DATA])


# What is accepted


def test_says_who_it_is_and_keeps_the_fields_in_order() -> None:
    package = read(deb(control(Source="src (2:1-1)", Depends="a (>= 1), b | c")))
    assert (package.package, package.version, package.architecture) == ("foo", "1.0", "all")
    assert package.source == "src"
    assert [name for name, _ in package.fields] == [*GOOD, "Source", "Depends"]
    assert dict(package.fields)["Description"] == GOOD["Description"].encode()


@pytest.mark.parametrize("form", ["", ".gz", ".xz", ".zst"])
@pytest.mark.parametrize("data_form", ["", ".gz", ".xz", ".zst", ".bz2", ".lzma"])
def test_accepts_every_compression_that_dpkg_reads(form: str, data_form: str) -> None:
    assert read(deb(control_form=form, data_form=data_form)).package == "foo"


def streams(form: str, *parts: bytes) -> bytes:
    """A package whose control member has a stream for each part."""
    return with_tar(b"".join(map(debs.COMPRESS[form], parts)), f"control.tar{form}")


def test_accepts_a_gzip_control_member_of_several_members() -> None:
    body = CONTROL[1]
    assert read(streams(".gz", body[:700], body[700:])).package == "foo"


@pytest.mark.parametrize("form", [".xz", ".zst"])
def test_of_a_control_member_the_first_stream_counts_as_for_dpkg(form: str) -> None:
    body, other = CONTROL[1], tar([("./control", control(Package="other"))])
    assert codes(streams(form, body[:700], body[700:])) == [Code.DEB_MALFORMED]
    assert codes(streams(form, entry(b"./md5sums", b"x"), body)) == [Code.DEB_MALFORMED]
    assert read(streams(form, body, other)).package == "foo"


@pytest.mark.parametrize(
    "members",
    [
        [FORMAT, CONTROL, DATA, ("_gpgorigin", b"odd")],
        [FORMAT, ("_early", b"x"), CONTROL, ("_late", b""), DATA, ("anything", b"x")],
        [("debian-binary", b"2.1\nmore to come\n"), CONTROL, DATA],
        [("debian-binary/", b"2.0\n"), (CONTROL[0] + "/", CONTROL[1]), (DATA[0] + "/", DATA[1])],
    ],
    ids=["signed", "underscored", "newer minor version", "GNU ar names"],
)
def test_accepts_what_deb_5_allows_around_the_three_members(
    members: list[tuple[str, bytes]],
) -> None:
    assert codes(ar(members)) == []


@pytest.mark.parametrize(
    "body",
    [
        tar([("control", control())]),
        entry(b"./", kind=b"5") + tar([("./md5sums", b"x" * 700), ("./control", control())]),
        tar([("./control", control())])[:-1024],
        entry(b"long", b"n." * 100 + b"\0", b"L") + tar([("n", b""), ("control", control())]),
        pax(mtime=b"1.5", path=b"./control") + tar([("./cut off", control())]),
        entry(b"control", control(), b"\0", magic=b"") + bytes(512),
    ],
    ids=["no ./", "among others", "no end blocks", "GNU long name", "pax path", "v7"],
)  # fmt: skip
def test_finds_the_control_file_as_tar_would(body: bytes) -> None:
    assert read(with_tar(body)).package == "foo"


@pytest.mark.parametrize(
    "changed",
    [
        {"Package": "f"},
        {"Package": "f" + "o" * 199},
        {"Package": "lib+c++2.0-x"},
        {"Version": "1:2.0~rc1+dfsg-1+b2~bpo12+1"},
        {"Version": "1:2:3-4-5"},
        {"Description": None},
        {"Description": "x\n" + "\n".join([" " + "y" * 78] * 820)},
        {"Depends": ", ".join(f"package-{n} (>= 1.{n})" for n in range(8000))},
        {"Depends": "a(>=1)|b:any , c ( << 2~ ),\n d (= 1:2-3)"},
        {"Depends": "", "Section": "misc"},
        {"Provides": "A_b (= 1)"},
        {"Homepage": "x" * 900_000},
        {"Multi-Arch": "foreign"},
        {"Essential": "yes"},
    ],
    ids=lambda value: str(value)[:40],
)
def test_accepts_what_policy_allows(changed: dict[str, str]) -> None:
    assert codes(deb(control(**changed))) == []


def test_accepts_crlf_and_keeps_latin_1_bytes() -> None:
    body = control(Maintainer="J\xe9r\xf4me").decode().encode("latin-1").replace(b"\n", b"\r\n")
    package = read(deb(body))
    assert dict(package.fields)["Maintainer"] == b"J\xe9r\xf4me"
    text = stanza(package, filename="f", size=1, sha256="0" * 64)
    assert b"\r" not in text and b"Maintainer: J\xe9r\xf4me\n" in text


def test_accepts_empty_lines_around_the_paragraph() -> None:
    assert codes(deb(b"\n" + control() + b"\n\n")) == []


@pytest.mark.parametrize(
    "name",
    [
        "foo_1.0+b1~x_all.deb",
        "foo_3%3a1.0+b1~x_all.deb",
        "foo_3:1.0+b1~x_all.deb",
        "foo_1.0%2bb1%7ex_all.deb",
        "foo.deb",
        "foo_latest.deb",
        "my_foo_all.deb",
        "a_b_c_d.deb",
    ],
)
def test_a_file_name_may_leave_out_or_quote_and_may_be_free(name: str) -> None:
    assert codes(deb(control(Version="3:1.0+b1~x")), name) == []


# How much is read


def test_an_ordinary_package_takes_one_read() -> None:
    data = deb(data=bytes(3_000_000), data_form="")
    reader = Bytes(data)
    inspect("foo.deb", reader, len(data))
    assert reader.asked == [(0, AHEAD)]


def test_a_large_control_member_takes_two_reads_and_the_data_none() -> None:
    noise = random.Random(4).randbytes(3_000_000)
    body = tar([("./md5sums", noise), ("./control", control())])
    data = ar([FORMAT, ("control.tar", body), ("data.tar", bytes(9_000_000))])
    reader = Bytes(data)
    inspect("foo.deb", reader, len(data))
    assert len(reader.asked) == 2
    assert sum(length for _, length in reader.asked) < 3_500_000


def test_a_trailing_member_takes_one_read_more_however_large_the_data() -> None:
    data = ar([FORMAT, CONTROL, ("data.tar", bytes(9_000_000)), ("_gpgorigin", b"x")])
    reader = Bytes(data)
    inspect("foo.deb", reader, len(data))
    assert len(reader.asked) == 2


def test_reads_nothing_outside_the_object() -> None:
    data = deb()
    for end in range(0, len(data) + 1, 7):
        reader = Bytes(data[:end])
        with contextlib.suppress(RejectedError):
            inspect("foo.deb", reader, end)
        assert all(start >= 0 and start + length <= end for start, length in reader.asked)


# The archive, refused


def test_a_package_cut_anywhere_is_refused() -> None:
    data = deb(control_form=".gz", data_form=".gz")
    for end in range(len(data)):
        found = codes(data[:end])
        assert found, f"accepted when cut at {end} of {len(data)}"
        assert set(found) <= {Code.DEB_TRUNCATED, Code.DEB_MALFORMED, Code.DATA_MISSING,
                              Code.CONTROL_MISSING}  # fmt: skip


def test_a_reader_with_fewer_bytes_than_said_is_refused() -> None:
    data = deb()
    assert codes(data, size=len(data) + 10) == [Code.DEB_TRUNCATED]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([], [Code.CONTROL_MISSING, Code.DATA_MISSING]),
        ([FORMAT], [Code.CONTROL_MISSING, Code.DATA_MISSING]),
        ([FORMAT, DATA], [Code.CONTROL_MISSING]),
        ([FORMAT, CONTROL], [Code.DATA_MISSING]),
        ([CONTROL, DATA], [Code.DEB_MALFORMED]),
        ([CONTROL, FORMAT, DATA], [Code.DEB_MALFORMED, Code.DEB_MALFORMED]),
        ([FORMAT, DATA, CONTROL], [Code.DEB_MALFORMED]),
        ([FORMAT, CONTROL, CONTROL, DATA], [Code.DEB_MALFORMED]),
        ([FORMAT, CONTROL, DATA, CONTROL], [Code.DEB_MALFORMED] * 2),
        ([FORMAT, CONTROL, DATA, DATA], [Code.DEB_MALFORMED]),
        ([FORMAT, CONTROL, ("stranger", b""), DATA], [Code.DEB_MALFORMED]),
        ([("debian-binary", b"3.0\n"), CONTROL, DATA], [Code.DEB_MALFORMED]),
        ([("debian-binary", b"2.0"), CONTROL, DATA], [Code.DEB_MALFORMED]),
        ([FORMAT, ("control.tar.bz2", b""), DATA], [Code.COMPRESSION_UNKNOWN]),
        ([FORMAT, ("control.tar.lzma", b""), DATA], [Code.COMPRESSION_UNKNOWN]),
        ([FORMAT, CONTROL, ("data.tar.rar", b"")], [Code.COMPRESSION_UNKNOWN]),
        ([FORMAT, CONTROL, ("data.tar\x1b[2J", b"")], [Code.COMPRESSION_UNKNOWN]),
        ([FORMAT, CONTROL, DATA, *[("_x", b"")] * 30], [Code.DEB_MALFORMED]),
    ],
    ids=lambda value: "" if not value or isinstance(value[0], Code) else
    "+".join(repr(name)[1:-1] for name, _ in value[:4]),
)  # fmt: skip
def test_other_members_or_another_order_are_refused(
    members: list[tuple[str, bytes]], expected: list[Code]
) -> None:
    assert codes(ar(members)) == expected


@pytest.mark.parametrize(
    "data",
    [b"", b"!<ar", b"!<arch>\n" + b"x" * 100, b"PK\x03\x04" + bytes(200), bytes(5000),
     ar([FORMAT, CONTROL]) + member("data.tar", b"x", size=10**9),
     ar([FORMAT, CONTROL]) + member("data.tar", b"xx")[:-2] + b"`",
     ar([FORMAT, CONTROL]) + member("data.tar", b"x")[:-1],
     ar([FORMAT]) + member("control.tar", b"").replace(b"0         `", b"-1        `")],
    ids=["empty", "start of magic", "no header", "zip", "zeros", "size beyond the end", "no end",
         "no padding", "negative size"],
)  # fmt: skip
def test_what_is_no_whole_ar_archive_is_refused(data: bytes) -> None:
    found = codes(data)
    assert found and set(found) <= {Code.DEB_MALFORMED, Code.DEB_TRUNCATED}


CONTROL_ENTRY = entry(b"./control", control())


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (tar([("./other", b"")]), Code.CONTROL_MISSING),
        (bytes(1024), Code.CONTROL_MISSING),
        (b"", Code.CONTROL_MISSING),
        (CONTROL_ENTRY + CONTROL_ENTRY, Code.CONTROL_MALFORMED),
        (CONTROL_ENTRY + entry(b"control", control()), Code.CONTROL_MALFORMED),
        (CONTROL_ENTRY + entry(b".//control", control()), Code.CONTROL_MALFORMED),
        (CONTROL_ENTRY + entry(b"/control", control()), Code.CONTROL_MALFORMED),
        (CONTROL_ENTRY + entry(b"x/../control", control()), Code.CONTROL_MALFORMED),
        (CONTROL_ENTRY + pax(path=b"control") + entry(b"x", control()), Code.CONTROL_MALFORMED),
        (entry(b"./control", kind=b"2"), Code.CONTROL_MALFORMED),
        (entry(b"./control", kind=b"1"), Code.CONTROL_MALFORMED),
        (entry(b"./control", kind=b"5"), Code.CONTROL_MALFORMED),
        (entry(b"./control", control(), kind=b"S"), Code.DEB_MALFORMED),
        (entry(b"./x", b"hidden", kind=b"5") + CONTROL_ENTRY, Code.DEB_MALFORMED),
        (pax(size=b"1") + CONTROL_ENTRY, Code.DEB_MALFORMED),
        (pax(GNU__sparse__major=b"1") + CONTROL_ENTRY, Code.DEB_MALFORMED),
        (pax(b"g", path=b"control") + CONTROL_ENTRY, Code.DEB_MALFORMED),
        (entry(b"pax", b"99 path=x\n", b"x") + CONTROL_ENTRY, Code.DEB_MALFORMED),
        (entry(b"pax", b"0 =\n", b"x") + CONTROL_ENTRY, Code.DEB_MALFORMED),
        (entry(b"long", bytes(70_000), b"L") + CONTROL_ENTRY, Code.DEB_MALFORMED),
        (entry(b"./control", size=b"77777777777"), Code.CONTROL_TOO_LARGE),
        (entry(b"./x", size=b"77777777777"), Code.DEB_MALFORMED),
        (entry(b"./x", size=b"\x80" + bytes(11)), Code.DEB_MALFORMED),
        (entry(b"./x", size=b"-1"), Code.DEB_MALFORMED),
        (CONTROL_ENTRY[:-1], Code.DEB_MALFORMED),
        (CONTROL_ENTRY[:100], Code.DEB_MALFORMED),
        (b"\x01" + CONTROL_ENTRY[1:], Code.DEB_MALFORMED),
        (entry(b"./control", b"x" * (10**6 + 1)), Code.CONTROL_TOO_LARGE),
    ],
)  # fmt: skip
def test_a_control_tar_without_exactly_one_plain_control_file_is_refused(
    body: bytes, code: Code
) -> None:
    assert code in codes(with_tar(body))


@pytest.mark.parametrize("form", [".gz", ".xz", ".zst"])
def test_a_damaged_control_member_is_refused(form: str) -> None:
    packed = debs.COMPRESS[form](CONTROL[1])
    for damaged in (b"", packed[:-3], b"\0" + packed[1:], packed + b"tail", packed * 65):
        assert codes(with_tar(damaged, f"control.tar{form}")) == [Code.DEB_MALFORMED]


@pytest.mark.parametrize("form", [".gz", ".xz", ".zst"])
def test_a_bomb_is_refused_at_once(form: str) -> None:
    """200 MB of zeros before the control file; unpacking stops at 32 MiB."""
    head = tar([("./control", control())])
    if form == ".gz":
        bomb = debs.COMPRESS[form](
            entry(b"./pad", size=b"%011o\0" % (200 * 10**6)) + bytes(200 * 10**6)
        )
    else:
        # Streams of 8 MiB, which are quicker to make.
        bomb = debs.COMPRESS[form](entry(b"./pad", size=b"%011o\0" % (200 * 2**20)))
        bomb += debs.COMPRESS[form](bytes(8 * 2**20)) * 25 + debs.COMPRESS[form](head)
    data = with_tar(bomb, f"control.tar{form}")
    began = time.process_time()
    assert codes(data) == [Code.CONTROL_TOO_LARGE]
    assert time.process_time() - began < 2


# The control file, refused


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"Package": None}, Code.FIELD_MISSING),
        ({"Version": ""}, Code.FIELD_MISSING),
        ({"Architecture": None}, Code.FIELD_MISSING),
        ({"Package": "Foo"}, Code.NAME_MALFORMED),
        ({"Package": "foo_bar"}, Code.NAME_MALFORMED),
        ({"Package": "-foo"}, Code.NAME_MALFORMED),
        ({"Package": "../foo"}, Code.NAME_MALFORMED),
        ({"Package": "foo\n bar"}, Code.NAME_MALFORMED),
        ({"Package": "f\xf6\xf6"}, Code.NAME_MALFORMED),
        ({"Package": "f" * 256}, Code.NAME_MALFORMED),
        ({"Package": "f" * 250}, Code.NAME_MALFORMED),
        ({"Source": "../../x"}, Code.NAME_MALFORMED),
        ({"Source": "foo (1.0"}, Code.NAME_MALFORMED),
        ({"Source": "foo (v1)"}, Code.NAME_MALFORMED),
        ({"Version": "v1.0"}, Code.VERSION_MALFORMED),
        ({"Version": "1.0_1"}, Code.VERSION_MALFORMED),
        ({"Version": "1.0-"}, Code.VERSION_MALFORMED),
        ({"Version": "a:1.0"}, Code.VERSION_MALFORMED),
        ({"Version": ":1.0"}, Code.VERSION_MALFORMED),
        ({"Version": "2147483648:1"}, Code.VERSION_MALFORMED),
        ({"Version": "1.0 2"}, Code.VERSION_MALFORMED),
        ({"Version": "\u0661.0"}, Code.VERSION_MALFORMED),
        ({"Version": "1\n 2"}, Code.VERSION_MALFORMED),
        ({"Architecture": "any"}, Code.ARCHITECTURE_MALFORMED),
        ({"Architecture": "linux-any"}, Code.ARCHITECTURE_MALFORMED),
        ({"Architecture": "source"}, Code.ARCHITECTURE_MALFORMED),
        ({"Architecture": "amd64 arm64"}, Code.ARCHITECTURE_MALFORMED),
        ({"Architecture": "../x"}, Code.ARCHITECTURE_MALFORMED),
        ({"Depends": "a,,b"}, Code.RELATION_MALFORMED),
        ({"Depends": "a |"}, Code.RELATION_MALFORMED),
        ({"Depends": "a,"}, Code.RELATION_MALFORMED),
        ({"Pre-Depends": "a b"}, Code.RELATION_MALFORMED),
        ({"Recommends": "a (>= 1.0"}, Code.RELATION_MALFORMED),
        ({"Suggests": "a (=> 1.0)"}, Code.RELATION_MALFORMED),
        ({"Enhances": "a [amd64]"}, Code.RELATION_MALFORMED),
        ({"Breaks": "a (<< ${v})"}, Code.RELATION_MALFORMED),
        ({"Conflicts": "a | b"}, Code.RELATION_MALFORMED),
        ({"Replaces": "a <!x>"}, Code.RELATION_MALFORMED),
        ({"Provides": "a" * 70_000}, Code.RELATION_MALFORMED),
        ({"Multi-Arch": "perhaps"}, Code.CONTROL_MALFORMED),
        ({"Multi-Arch": "same"}, Code.CONTROL_MALFORMED),
        ({"Essential": "maybe"}, Code.CONTROL_MALFORMED),
        ({"X": "one letter"}, Code.CONTROL_MALFORMED),
        ({"Depends": ""}, Code.CONTROL_MALFORMED),
        ({"Section": "s" * 70_000}, Code.CONTROL_MALFORMED),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_field_that_hosts_could_not_read_is_refused(
    changed: dict[str, str | None], code: Code
) -> None:
    assert codes(deb(control(**changed))) == [code]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("bar_1.0_all.deb", Code.NAME_DISAGREES),
        ("foo_1.1_all.deb", Code.NAME_DISAGREES),
        ("foo_1.0_amd64.deb", Code.NAME_DISAGREES),
        ("foo_1%3a1.0_all.deb", Code.NAME_DISAGREES),
        ("Foo_1.0_all.deb", Code.NAME_DISAGREES),
    ],
)
def test_a_file_name_that_says_otherwise_is_refused(name: str, code: Code) -> None:
    assert codes(deb(), name) == [code]


def test_all_errors_are_told_at_once() -> None:
    bad = (
        control(Package="Foo", Version="v1", Architecture="any", Depends="a,,b|")
        + b"#\nVersion: 2\n"
    )
    data = ar([("debian-binary", b"9.9\n"), ("control.tar", tar([("./control", bad)]))])
    assert codes(data) == [
        Code.DEB_MALFORMED,
        Code.DATA_MISSING,
        Code.CONTROL_MALFORMED,
        Code.CONTROL_MALFORMED,
        Code.NAME_MALFORMED,
        Code.VERSION_MALFORMED,
        Code.ARCHITECTURE_MALFORMED,
        Code.RELATION_MALFORMED,
        Code.RELATION_MALFORMED,
    ]


def test_hundreds_of_thousands_of_errors_are_told_as_a_thousand_and_a_number() -> None:
    with pytest.raises(RejectedError) as caught:
        read(deb(control() + b"#\n" * 400_000))
    assert len(caught.value.refusals) == 1001
    assert "399000 more" in caught.value.refusals[-1].message


# The stanza


def test_the_stanza_is_debian_s_with_our_words_on_file_size_and_sum() -> None:
    own = {"Filename": "evil", "SIZE": "1", "MD5sum": "x", "SHA1": "y", "SHA512": "z",
           "Checksum-fileSize": "2", "Description-md5": "q" * 32}  # fmt: skip
    text = (
        control(Package=None, Tags="", Provides="", **own)
        + b"Package: foo\nX-Y: \nConffiles:\n /etc/x 123\n"
    )
    package = read(deb(text))
    assert stanza(package, filename="pool/f.deb", size=12, sha256="ab") == (
        b"Package: foo\nVersion: 1.0\nArchitecture: all\n"
        b"Maintainer: A Tester <tester@example.org>\n"
        b"Description: a package for tests\n that has more\n .\n to say\nTags:\nX-Y:\n"
        b"Filename: pool/f.deb\nSize: 12\nSHA256: ab\n"
    )


def test_the_stanza_reads_back_with_python_debian() -> None:
    text = control(Depends="a,\n b", Installed_Size="7").replace(b"Depends: a", b"Depends:\t \n a")
    written = stanza(read(deb(text)), filename="f", size=1, sha256="00")
    again = Packages(written)
    assert again["Depends"] == "\n a,\n b"
    assert again["Description"] == GOOD["Description"]
    assert (again["Filename"], again["Size"], again["SHA256"]) == ("f", "1", "00")
    assert b"\n\n" not in written and written.endswith(b"00\n")


def test_the_source_is_the_package_where_none_is_named() -> None:
    assert read(deb()).source == "foo"
