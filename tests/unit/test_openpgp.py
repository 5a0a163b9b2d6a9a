"""OpenPGP without any key or program: numbers, packets, armor, clear-signed text, RFC vectors."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from debpress import openpgp
from debpress.errors import SigningError
from debpress.openpgp import packets, signatures
from debpress.openpgp.armor import crc24
from debpress.openpgp.keys import PublicKey
from debpress.openpgp.packets import Cursor, Tag, mpi, packet
from hypothesis import example, given, settings
from hypothesis import strategies as st

examples = settings(derandomize=True, max_examples=200, deadline=None)

# RFC 9580 appendix A.1 and A.2: a key, and its signature over "OpenPGP".
RFC_KEY = "xjMEU/NfCxYJKwYBBAHaRw8BAQdAPwmJlL3ZFu1AUxl5NOSofIBzOhKA1i+AEJkuQ+47JAY="
RFC_SIGNATURE = b"""-----BEGIN PGP SIGNATURE-----

iF4EABYIAAYFAlX5X5UACgkQjP3hIZeWWpr2IgD/VvkMypjiECY3vZg/2xbBMd/S
ftgr9N3lYG4NdWrtM2YBANCcT6EVJ/A44PV/IgHYLy6iyQMyZfps60iehUuuYbQE
-----END PGP SIGNATURE-----
"""


def rfc_key() -> PublicKey:
    return PublicKey.parse(packets.read(base64.b64decode(RFC_KEY))[0].body)


# Numbers


@pytest.mark.parametrize(
    ("value", "written"),
    [(0, "0000"), (1, "000101"), (511, "000901ff"), (0x80, "000880"), (0x100, "00090100")],
)
def test_a_number_is_written_without_leading_zero_bits(value: int, written: str) -> None:
    """The first three are RFC 9580 section 3.2's own."""
    assert mpi(value).hex() == written


@examples
@given(st.binary(max_size=600))
@example(bytes(32))
@example(b"\0" * 31 + b"\1")
@example(b"\0\x80" + bytes(30))
def test_a_number_is_read_back_whatever_zeros_its_bytes_began_with(raw: bytes) -> None:
    value = int.from_bytes(raw, "big")
    cursor = Cursor(mpi(value))
    assert cursor.mpi() == value
    assert cursor.left == 0


@pytest.mark.parametrize("written", ["000901", "00090001", "000800", "0008", "00"])
def test_a_number_in_another_form_or_cut_short_is_refused(written: str) -> None:
    with pytest.raises(SigningError):
        Cursor(bytes.fromhex(written)).mpi()


# Packets


@examples
@given(st.lists(st.tuples(st.sampled_from(list(Tag)), st.binary(max_size=700)), max_size=5))
@example([(Tag.USER_ID, bytes(255)), (Tag.USER_ID, bytes(256)), (Tag.USER_ID, bytes(70_000))])
def test_packets_are_read_back_with_their_raw_bytes(content: list[tuple[Tag, bytes]]) -> None:
    written = [packet(tag, body) for tag, body in content]
    found = packets.read(b"".join(written))
    assert [(each.tag, each.body) for each in found] == content
    assert [each.raw for each in found] == written


@pytest.mark.parametrize(
    ("header", "length"), [("cd05", 5), ("cdc000", 192), ("cddfff", 8383), ("cdff00002000", 8192)]
)
def test_a_header_of_the_new_format_is_read(header: str, length: int) -> None:
    (found,) = packets.read(bytes.fromhex(header) + bytes(length))
    assert (found.tag, len(found.body)) == (Tag.USER_ID, length)


@pytest.mark.parametrize("data", ["00", "b7ff", "cde1", "b405616263", "b9", "cdff0000"])
def test_bytes_that_are_no_packets_are_refused(data: str) -> None:
    with pytest.raises(SigningError):
        packets.read(bytes.fromhex(data))


# Armor


def test_the_checksum_is_the_one_that_everybody_computes() -> None:
    assert crc24(b"123456789") == 0x21CF02


@examples
@given(st.binary(max_size=500), st.sampled_from(["SIGNATURE", "PUBLIC KEY BLOCK"]))
def test_armor_is_taken_off_again(data: bytes, kind: openpgp.Kind) -> None:
    text = openpgp.armor(data, kind)
    assert openpgp.dearmor(text, kind) == data
    assert openpgp.dearmor(text.replace(b"\n", b"\r\n"), kind) == data
    assert max(map(len, text.splitlines())) <= 64


def test_damage_to_an_armor_is_seen() -> None:
    text = openpgp.armor(b"some bytes that matter")
    with pytest.raises(SigningError, match="damaged"):
        openpgp.dearmor(text.replace(b"c29t", b"c29u"))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + text,
        lambda text: text[:-5],
        lambda text: b"before\n" + text,
        lambda text: text.replace(b"\n\n", b"\n"),
        lambda text: text.replace(b"SIGNATURE", b"MESSAGE"),
        lambda text: text.replace(b"c29", b"c!9"),
        lambda _: b"",
    ],
)
def test_what_is_not_exactly_one_armor_is_refused(change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(SigningError):
        openpgp.dearmor(change(openpgp.armor(b"some bytes")))


# Clear-signed text

CHARACTERS = st.characters(exclude_characters="\n\r\0", codec="utf-8")
LINE = st.text(CHARACTERS, max_size=40).map(lambda line: line.rstrip(" \t"))
NASTY = st.sampled_from(["", "-", "- -", "--", "- a", "-----BEGIN PGP SIGNATURE-----"])
TEXT = st.lists(LINE | NASTY, min_size=1, max_size=8).map(
    lambda lines: "".join(line + "\n" for line in lines).encode()
)

RFC_PACKET = openpgp.dearmor(RFC_SIGNATURE)


@examples
@given(TEXT)
@example(b"\n")
@example(b"\n\n\n")
@example(b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n- a\n")
@example("a\u2028b\x0bc\x85\n".encode())
def test_a_clear_signed_document_gives_back_its_text_and_packets(text: bytes) -> None:
    document = openpgp.assemble(text, [RFC_PACKET, RFC_PACKET])
    assert openpgp.split(document) == (text, [RFC_PACKET, RFC_PACKET])
    assert openpgp.split(document.replace(b"\n", b"\r\n")) == (text, [RFC_PACKET, RFC_PACKET])


@examples
@given(TEXT)
def test_no_line_of_the_text_can_be_taken_for_the_document_s_own(text: bytes) -> None:
    document = openpgp.assemble(text, [RFC_PACKET])
    dashed = [line for line in document.split(b"\n") if line.startswith(b"-----")]
    assert dashed == [
        b"-----BEGIN PGP SIGNED MESSAGE-----",
        b"-----BEGIN PGP SIGNATURE-----",
        b"-----END PGP SIGNATURE-----",
    ]


def test_a_document_says_its_hashes_and_escapes_dashes() -> None:
    lines = openpgp.assemble(b"Suite: lab\n-dash\n", [RFC_PACKET]).split(b"\n")
    assert lines[:5] == [
        b"-----BEGIN PGP SIGNED MESSAGE-----",
        b"Hash: SHA256",
        b"",
        b"Suite: lab",
        b"- -dash",
    ]


def test_signed_text_has_its_lines_joined_by_crlf_and_no_last_end() -> None:
    assert openpgp.canonical(b"a\n\nb\n") == b"a\r\n\r\nb"


@pytest.mark.parametrize("text", [b"", b"a", b"a \n", b"a\t\nb\n", b"a\r\n", b"a\rb\n", b"\0\n"])
def test_text_that_a_signature_would_not_cover_whole_is_refused(text: bytes) -> None:
    with pytest.raises(SigningError):
        openpgp.assemble(text, [RFC_PACKET])


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document + b"Suite: other\n",
        lambda document: b"\n" + document,
        lambda document: document.replace(b"Hash: SHA256", b"NotDashEscaped: You need GnuPG"),
        lambda document: document.replace(b"- -dash", b"-dash"),
        lambda document: document[: document.index(b"-----END")],
        lambda document: document[: document.index(b"-----BEGIN PGP SIGNATURE")],
        lambda document: document.replace(b"\nSuite: lab\n- -dash\n", b"\n"),
        lambda _: b"Suite: lab\n",
        lambda _: b"",
    ],
)
def test_what_is_not_one_text_and_one_armor_is_refused(change: Callable[[bytes], bytes]) -> None:
    document = openpgp.assemble(b"Suite: lab\n-dash\n", [RFC_PACKET])
    with pytest.raises(SigningError):
        openpgp.split(change(document))


# Keys and signatures that others made


def test_the_rfc_s_key_has_the_rfc_s_fingerprint() -> None:
    key = rfc_key()
    assert key.fingerprint == "C959BDBAFA32A2F89A153B678CFDE12197965A9A"
    assert key.created == datetime(2014, 8, 19, 14, 28, 27, tzinfo=UTC)
    assert packet(Tag.PUBLIC_KEY, key.body)[2:] == base64.b64decode(RFC_KEY)[2:]


def test_the_rfc_s_signature_verifies_and_over_other_bytes_does_not() -> None:
    (found,) = packets.read(RFC_PACKET)
    signature = signatures.parse(found)
    assert signature.created == datetime(2015, 9, 16, 12, 24, 53, tzinfo=UTC)
    signature.verify(rfc_key(), b"OpenPGP")
    with pytest.raises(SigningError, match="changed"):
        signature.verify(rfc_key(), b"OpenPGQ")


def test_every_flipped_bit_of_a_signature_is_noticed() -> None:
    """But for those of the unhashed subpackets, which no signature covers."""
    body = packets.read(RFC_PACKET)[0].body
    for bit in [*range(12 * 8), *range(24 * 8, len(body) * 8)]:
        changed = bytearray(body)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SigningError):
            signatures.parse(packets.read(packet(Tag.SIGNATURE, bytes(changed)))[0]).verify(
                rfc_key(), b"OpenPGP"
            )


@pytest.mark.parametrize(
    ("position", "value", "said"),
    [(0, 3, "version 3"), (3, 2, "hash algorithm 2"), (7, 0x83, "expires"), (7, 0xE5, "critical")],
)
def test_signatures_that_some_verifier_of_apt_refuses_are_refused(
    position: int, value: int, said: str
) -> None:
    body = bytearray(packets.read(RFC_PACKET)[0].body)
    body[position] = value
    with pytest.raises(SigningError, match=said):
        if said == "expires":  # keep a creation time beside it
            body[4:6] = b"\0\x0c"
            body[6:6] = bytes.fromhex("050255f95f95")
            body[13] = 3
        signatures.parse(packets.read(packet(Tag.SIGNATURE, bytes(body)))[0])


def test_a_file_that_holds_no_certificate_is_refused() -> None:
    text = b"Suite: lab\n"
    document = openpgp.assemble(text, [RFC_PACKET])
    for certificate in (b"", RFC_PACKET, base64.b64decode(RFC_KEY), RFC_SIGNATURE):
        with pytest.raises(SigningError):
            openpgp.verify_clearsigned(document, [certificate])
