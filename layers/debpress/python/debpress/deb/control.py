"""The syntax of a control file (Debian Policy 5.1), as bytes: nothing is decoded or re-folded."""

from __future__ import annotations

import io
import re

from debpress.errors import Code
from debpress.findings import Report, shown

Fields = tuple[tuple[str, bytes], ...]

# Policy 5.1: US-ASCII without controls, blanks and colons, not starting with # or -.
_NAME = re.compile(rb"(?![#-])[!-9;-~]+")
# Control characters other than the tab: none is in any of Debian's 63,440 stanzas; dpkg takes
# 0x1a for the end of a line, and some readers split lines at 0x0b, 0x0c, 0x0d and 0x1c-0x1e.
_CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
_MOST_FIELDS = 1000


def parse(body: bytes, report: Report, where: str = "its control file") -> Fields:
    """The fields of the one paragraph in `body`, in order, their names as written.

    A value is its first line and its continuation lines, joined by newlines, no blanks or
    carriage returns at the ends of lines; bytes that are not UTF-8 stay as they are. Reports
    everything that would make a broken stanza, or that dpkg refuses on the host.
    """
    paragraph = _Paragraph(report, where)
    for line in io.BytesIO(body):
        paragraph.take(line)
    return tuple((name, bytes(value)) for name, value in paragraph.fields.values())


class _Paragraph:
    """The paragraph so far."""

    def __init__(self, report: Report, where: str) -> None:
        self.fields: dict[bytes, tuple[str, bytearray]] = {}
        self._report = report
        self._where = where
        self._number = 0
        self._empty = 0
        # What continuation lines belong to; a malformed field has one too.
        self._value: bytearray | None = None

    def take(self, line: bytes) -> None:
        self._number += 1
        text = line.rstrip(b" \t\r\n")
        if not line.endswith(b"\n"):
            self._problem("does not end with a newline, without which dpkg can't read it")
        if line == b"\n":
            # Allowed before and after the paragraph; inside, it would end it.
            self._empty = self._value is not None and (self._empty or self._number)
        elif not text:
            self._problem("has a line of nothing but blanks")
        else:
            self._text(text)

    def _text(self, text: bytes) -> None:
        if self._empty:
            self._problem("has an empty line inside", self._empty)
            self._empty = 0
        if found := _CONTROL.search(text):
            self._problem(f"holds the control character {shown(found[0])}")
        if text[:1] not in b" \t":
            self._field(text)
        elif self._value is None:
            self._problem("begins with a continuation line")
        else:
            self._value += b"\n" + text

    def _field(self, text: bytes) -> None:
        name, colon, value = text.partition(b":")
        name = name.rstrip(b" \t")
        self._value = bytearray(value.lstrip(b" \t"))
        if text.startswith(b"#"):
            self._problem("has a line that starts with #")
        elif not colon:
            self._problem(f"has a line that is no field: {shown(text)}")
        elif not _NAME.fullmatch(name):
            self._problem(f"has a field with the malformed name {shown(name)}")
        elif name.lower() in self.fields:
            self._problem(f"has the field {shown(name)} twice")
        elif len(self.fields) == _MOST_FIELDS:
            self._problem(f"has more than {_MOST_FIELDS} fields")
        else:
            self.fields[name.lower()] = (name.decode("ascii"), self._value)

    def _problem(self, what: str, number: int = 0) -> None:
        self._report(
            Code.CONTROL_MALFORMED,
            f"{self._where} {what} (line {number or self._number}); "
            "write it as Debian Policy 5.1 says",
        )
