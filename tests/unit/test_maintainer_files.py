"""What stands beside the control file, and fields that dpkg reads as its own."""

from __future__ import annotations

import pytest
from debpress.deb import inspect
from debpress.errors import Code, RejectedError

from tests.support import debs
from tests.support.debs import FORMAT, Bytes, ar, control, entry, tar
from tests.support.mutations import link

DATA = ("data.tar", tar([("./etc/motd", b"hello\n")]))


def codes(data: bytes) -> list[Code]:
    try:
        inspect("foo.deb", Bytes(data), len(data))
    except RejectedError as error:
        assert all(refusal.message.isprintable() for refusal in error.refusals)
        return [refusal.code for refusal in error.refusals]
    return []


def beside(*entries: bytes, text: bytes | None = None) -> list[Code]:
    """What is said of a package with these entries beside its control file."""
    body = entry(b"./control", control() if text is None else text) + b"".join(entries)
    return codes(ar([FORMAT, ("control.tar", body + bytes(1024)), DATA]))


@pytest.mark.parametrize(
    "text",
    [b"", b"/etc/motd\n", b"/etc/motd  \r\n\n", b"/etc/a b\n", b"remove-on-upgrade /etc/old\n",
     b"/etc/motd\n/etc/motd\n", b"/" + b"x" * 995 + b"\n"],
)  # fmt: skip
def test_conffiles_that_dpkg_reads_are_taken(text: bytes) -> None:
    assert beside(entry(b"./conffiles", text)) == []


@pytest.mark.parametrize(
    "text",
    [b"etc/motd\n", b"/etc/motd", b"# files\n", b" /etc/motd\n", b"keep /etc/motd\n",
     b"remove-on-upgrade etc/old\n", b"remove-on-upgrade\n", b"/" + b"x" * 996 + b"\n",
     b"/etc/\0motd\n"],
)  # fmt: skip
def test_other_conffiles_are_refused(text: bytes) -> None:
    assert beside(entry(b"./conffiles", text)) == [Code.CONTROL_MALFORMED]


@pytest.mark.parametrize(
    "text",
    [b"", b"# waits\n\n", b"interest foo\n", b"\tinterest-noawait /usr/share/x \n",
     b"activate-await A_b\nactivate ~\n", b"interest " + b"x" * 245 + b"\n"],
)  # fmt: skip
def test_triggers_that_dpkg_reads_are_taken(text: bytes) -> None:
    assert beside(entry(b"./triggers", text)) == []


@pytest.mark.parametrize(
    "text",
    [b"interest foo", b"interest\n", b"watch foo\n", b"interest a b\n", b"interest a\r\n",
     b"interest A_b\n", b"interest /usr//x\n", b"interest /usr/\n", b"activate \xe9\n",
     b"interest " + b"x" * 246 + b"\n"],
)  # fmt: skip
def test_other_triggers_are_refused(text: bytes) -> None:
    assert beside(entry(b"./triggers", text)) == [Code.CONTROL_MALFORMED]


@pytest.mark.parametrize(
    "made",
    [
        entry(b"./", kind=b"5", size=b"00000010000\0"),
        entry(b"./postinst", b"#!/bin/sh\n") + link(b"./prerm", b"postinst", b"2"),
        entry(b"./postinst", b"#!/bin/sh\n") + link(b"./prerm", b"./postinst", b"1"),
        entry(b"n", b"./" + b"n" * 100 + b"\0", b"L") + entry(b"n"),
        debs.pax(mtime=b"1.5") + entry(b"./postinst", b"#!/bin/sh\n"),
    ],
    ids=["folder with a size", "symbolic link", "hard link", "100 characters", "PAX"],
)
def test_what_dpkg_takes_there_is_taken(made: bytes) -> None:
    assert beside(made) == []


@pytest.mark.parametrize(
    "made",
    [
        entry(b"./.svn/", kind=b"5"),
        entry(b"./sub/file", b"x"),
        entry(b"./postinst/", kind=b"5"),
        entry(b"./postinst", kind=b"6"),
        link(b"./postinst", b"nowhere", b"2"),
        link(b"./conffiles", b"control", b"2"),
        entry(b"n", b"./" + b"n" * 101 + b"\0", b"L") + entry(b"n"),
        entry(b"./../x", b"y"),
        entry(b"./preinst", b"#!/bin/sh\r\necho\r\n"),
    ],
    ids=["hidden folder", "file in a folder", "folder", "pipe", "dangling link", "conffiles",
         "101 characters", "up", "carriage return"],
)  # fmt: skip
def test_what_dpkg_refuses_there_is_refused(made: bytes) -> None:
    assert beside(made) == [Code.CONTROL_MALFORMED]


@pytest.mark.parametrize(
    ("field", "value"),
    [("Status", "install ok installed"), ("Config-Version", "1.0"), ("Triggers-Pending", "a"),
     ("Triggers-Awaited", "a"), ("Conffiles", "/etc/x 12"), ("Conffiles", "\n /etc/x"),
     ("Revision", "1"), ("Package-Revision", "1"), ("Package_Revision", "1"),
     ("Recommended", "a"), ("Optional", "a"), ("Class", "optional"), ("Priority", "required x")],
)  # fmt: skip
def test_fields_of_dpkg_s_own_are_refused(field: str, value: str) -> None:
    text = control().replace(b"Version:", f"{field}: {value}\nVersion:".encode())
    assert beside(text=text) == [Code.CONTROL_MALFORMED]


def test_a_line_of_the_description_may_be_a_field_to_dpkg() -> None:
    text = control() + b"Recommended: 4 GB of memory\n"
    assert beside(text=text) == [Code.CONTROL_MALFORMED, Code.RELATION_MALFORMED]


def test_a_name_may_be_as_long_as_dpkg_can_name_its_files_after() -> None:
    sums = entry(b"./md5sums")

    def named(length: int, *entries: bytes) -> list[Code]:
        return beside(*entries, text=control(Package="p" * length, Version="1", Maintainer="x"))

    assert named(243) == []
    assert named(244) == [Code.NAME_MALFORMED]
    script = entry(b"./" + b"c" * 60)
    assert named(194, sums, script) == []
    assert named(195, sums, script) == [Code.NAME_MALFORMED]
