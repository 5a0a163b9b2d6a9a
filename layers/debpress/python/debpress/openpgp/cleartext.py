"""Clear-signed text, the form of InRelease (RFC 4880 section 7, RFC 9580 section 7)."""

from __future__ import annotations

from debpress.errors import SigningError
from debpress.openpgp import packets
from debpress.openpgp.armor import dearmor

BEGIN = b"-----BEGIN PGP SIGNED MESSAGE-----"
_SIGNATURE = b"-----BEGIN PGP SIGNATURE-----"
_BLANKS = b" \t\r"


def canonical(text: bytes) -> bytes:
    """The bytes that a signature of `text` hashes: its lines joined by CRLF.

    The end of the last line is not hashed (section 7.1). `text` must be whole lines without
    carriage returns and without trailing blanks: these are not hashed, so whoever takes the text
    out of the document could not tell whether it had them. Raises SigningError for other text.
    """
    if not text.endswith(b"\n"):
        raise SigningError("the text to sign must end with a newline")
    lines = text[:-1].split(b"\n")
    for number, line in enumerate(lines, 1):
        if line != line.rstrip(_BLANKS) or b"\r" in line or b"\0" in line:
            raise SigningError(
                f"line {number} of the text to sign ends in a blank, or holds a carriage return "
                f"or NUL, which a signature can't cover: {line[:80]!r}; take that out"
            )
    return b"\r\n".join(lines)


def split(document: bytes) -> tuple[bytes, list[bytes]]:
    """The signed text of a clear-signed document, and its signature packets, unverified.

    The text is whole lines, without dash escapes or trailing blanks. Raises SigningError when the
    document is anything but one text and one armor.
    """
    lines = [line.rstrip(_BLANKS) for line in document.split(b"\n")]
    if lines[0] != BEGIN:
        raise SigningError("this is no clear-signed text: it does not begin with a PGP header")
    if b"" not in lines or _SIGNATURE not in lines:
        raise SigningError("this clear-signed text is cut short")
    start, end = lines.index(b"") + 1, lines.index(_SIGNATURE)
    for header in lines[1 : start - 1]:
        if not header.startswith(b"Hash:"):
            raise SigningError(f"a clear-signed text may have no header {header!r}")
    if start >= end:
        raise SigningError("this clear-signed text has no text")
    text = b"".join(_unescaped(line) + b"\n" for line in lines[start:end])
    found = packets.read(dearmor(b"\n".join(lines[end:])))
    return text, [each.raw for each in found]


def _unescaped(line: bytes) -> bytes:
    if line.startswith(b"- "):
        return line[2:]
    if line.startswith(b"-"):
        raise SigningError(f"a clear-signed line begins with an unescaped dash: {line[:80]!r}")
    return line
