"""data.tar: what is found in it, how much of it is read for that, and in how much memory."""

from __future__ import annotations

import lzma
import random
import tracemalloc

import pytest
from debpress.deb import inspect
from debpress.deb.window import AHEAD
from debpress.errors import Code, RejectedError

from tests.support import debs
from tests.support.debs import FORMAT, Bytes, ar, control, entry, pax, tar

MIB = 2**20
CONTROL = ("control.tar", tar([("./control", control())]))
FOLDERS = b"".join(entry(name, kind=b"5") for name in (b"./", b"./opt/", b"./opt/foo/"))
FILE = entry(b"./opt/foo/file", b"hello\n")
END = bytes(1024)


def package(body: bytes, form: str = "") -> bytes:
    return ar([FORMAT, CONTROL, (f"data.tar{form}", body)])


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def file(size: int) -> bytes:
    """A file of bytes that can't be packed."""
    return entry(b"./opt/foo/noise", noise(size))


def said(data: bytes, whole: int = 10**9) -> str:
    """The one refusal of a package; empty if it is taken."""
    try:
        inspect("foo.deb", Bytes(data), len(data), whole=whole)
    except RejectedError as error:
        (refusal,) = error.refusals
        assert refusal.code == Code.DEB_MALFORMED
        return refusal.message
    return ""


FAULTS = {
    "PAX header": (FOLDERS + pax(mtime=b"1.5") + FILE, "PAX"),
    "global PAX header": (pax(b"g", comment=b"x") + FOLDERS + FILE, "PAX"),
    "no folder": (FOLDERS + entry(b"./opt/bar/x"), "no entry for its folder"),
    "folder too late": (FOLDERS + entry(b"./opt/bar/x") + entry(b"./opt/bar/", kind=b"5"),
                        "no entry for its folder"),
    "unknown type": (FOLDERS + entry(b"./opt/foo/x", kind=b"7"), "does not know"),
    "newline": (FOLDERS + entry(b"./opt/foo/a\nb"), "newline"),
    "up": (FOLDERS + entry(b"./opt/foo/../../../x"), "out of the host"),
    "long name": (FOLDERS + entry(b"n", b"./opt/foo/" + b"n" * 247 + b"\0", b"L") + entry(b"n"),
                  "longer than dpkg"),
    "wrong sum": (FOLDERS + b"\1" + FILE[1:], "sum"),
    "goes on": (FOLDERS + FILE + END + FILE + END, "goes on behind its end"),
    "cut": ((FOLDERS + file(5000))[:-600], "ends inside a file"),
}  # fmt: skip


@pytest.mark.parametrize("form", debs.COMPRESS)
@pytest.mark.parametrize("fault", FAULTS)
def test_what_dpkg_would_not_unpack_is_found_however_it_is_packed(fault: str, form: str) -> None:
    body, reason = FAULTS[fault]
    assert reason in said(package(debs.COMPRESS[form](body), form))


@pytest.mark.parametrize("form", [form for form in debs.COMPRESS if form])
def test_a_second_stream_is_what_dpkg_leaves_out(form: str) -> None:
    parts = (FOLDERS, FILE + END)
    found = said(package(b"".join(map(debs.COMPRESS[form], parts)), form))
    if form == ".gz":
        assert found == ""
    else:
        assert "more than one stream" in found or "behind its end" in found


@pytest.mark.parametrize("form", [form for form in debs.COMPRESS if form])
def test_damage_and_a_cut_are_found_and_padding_is_none(form: str) -> None:
    packed = debs.COMPRESS[form](FOLDERS + file(100_000) + END)
    assert said(package(packed, form)) == ""
    assert said(package(packed + bytes(10_240), form)) == ""
    assert said(package(packed + bytes(100_000), form))
    assert said(package(packed[:-9], form))
    damaged = bytearray(packed)
    damaged[20] ^= 0x10
    assert said(package(bytes(damaged), form))


def test_what_follows_the_files_is_read_to_the_end() -> None:
    body = bytearray(debs.COMPRESS[".xz"](FOLDERS + FILE + END + bytes(3 * MIB)))
    body[-40] ^= 1
    assert said(package(bytes(body), ".xz"))


def test_a_file_that_conffiles_has_removed_may_not_be_in_it() -> None:
    lists = [("./control", control()), ("./conffiles", b"remove-on-upgrade /opt/foo/file\n")]
    member = ("control.tar", tar(lists))
    found = said(ar([FORMAT, member, ("data.tar", FOLDERS + FILE + END)]))
    assert "removed from hosts" in found


# Of a large one, the start and the end


def test_of_a_large_one_a_mebibyte_is_walked() -> None:
    late = FOLDERS + file(2 * MIB) + entry(b"./opt/bar/x")
    early = FOLDERS + file(MIB // 2) + entry(b"./opt/bar/x") + entry(b"./opt/foo/y", noise(2 * MIB))
    for form in ("", ".gz", ".xz", ".zst"):
        assert said(package(debs.COMPRESS[form](late), form), whole=0) == ""
        assert "folder" in said(package(debs.COMPRESS[form](late), form))
        assert "folder" in said(package(debs.COMPRESS[form](early), form), whole=0)


def streams(*parts: bytes, padding: int = 0, check: int = lzma.CHECK_CRC64) -> bytes:
    packed = b"".join(lzma.compress(part, preset=0, check=check) for part in parts)
    return package(packed + bytes(padding), ".xz")


def test_of_a_large_xz_its_end_tells_how_many_streams_it_has() -> None:
    body = FOLDERS + file(2 * MIB) + END
    for check in (lzma.CHECK_NONE, lzma.CHECK_CRC32, lzma.CHECK_SHA256):
        assert said(streams(body, check=check), whole=0) == ""
        assert said(streams(body, padding=512, check=check), whole=0) == ""
    assert "more than one stream" in said(streams(body, body), whole=0)
    assert "more than one stream" in said(streams(body, b""), whole=0)
    assert "no footer" in said(streams(body)[:-1] + b"x", whole=0)
    damaged = bytearray(streams(body))
    damaged[-14] ^= 1
    assert "damaged" in said(bytes(damaged), whole=0)


@pytest.mark.parametrize(("whole", "reads", "bytes_read"), [(32, 2, 5.3), (1, 4, 2.0)])
def test_a_package_takes_few_reads(whole: int, reads: int, bytes_read: float) -> None:
    """Megabytes of a file that can't be packed: read whole, and as a large one is read."""
    data = streams(FOLDERS + file(5 * 10**6) + END)
    reader = Bytes(data)
    inspect("foo.deb", reader, len(data), whole=whole * 10**6)
    assert len(reader.asked) <= reads
    assert reader.asked[0] == (0, AHEAD)
    assert sum(length for _, length in reader.asked) < bytes_read * 10**6


def test_memory_is_flat() -> None:
    data = package(FOLDERS + file(60 * 10**6) + END)
    reader = Bytes(data)
    tracemalloc.start()
    try:
        inspect("foo.deb", reader, len(data), whole=len(data))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20 * 10**6
