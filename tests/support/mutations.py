"""Packages that are a little wrong, or only odd: an endless row of them for the judges.

A number stands for the same package for ever. Of each kind every choice comes in its turn, and
chance does the rest.

Each has a name and files of its own, so that many can be unpacked into one root. Left out is what
would harm the machine or hang dpkg, and is refused by us: a pipe in control.tar, a file said to be
gigabytes large, and zstd that is cut short.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.support.debs import COMPRESS, FORMAT, GOOD, ar, entry, member, pax

END = bytes(1024)
FORMS = tuple(COMPRESS)


@dataclass(frozen=True, slots=True)
class Mutation:
    """A package, and in a word what was done to it."""

    what: str
    data: bytes


class _Make:
    """One package in the making: its own name, its chance."""

    def __init__(self, number: int, turn: int) -> None:
        self.name = f"m{number}"
        self.chance = random.Random(number)
        self._turn = turn
        self.home = f"./opt/{self.name}/".encode()

    def control(self, *more: str, **changed: str | None) -> bytes:
        fields = {**GOOD, "Package": self.name, **changed}
        lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
        at = self.chance.randrange(1, len(lines))
        return "".join(f"{line}\n" for line in [*lines[:at], *more, *lines[at:]]).encode()

    def control_tar(self, *entries: bytes, text: bytes | None = None) -> bytes:
        body = self.control() if text is None else text
        return entry(b"./", kind=b"5") + entry(b"./control", body) + b"".join(entries) + END

    def folders(self) -> list[bytes]:
        return [entry(b"./", kind=b"5"), entry(b"./opt/", kind=b"5"), entry(self.home, kind=b"5")]

    def files(self) -> list[bytes]:
        return [*self.folders(), entry(self.home + b"file", b"hello\n")]

    def data_tar(self, *entries: bytes, end: bytes = END) -> bytes:
        return b"".join([*self.files(), *entries]) + end

    def deb(
        self,
        control: bytes | None = None,
        data: bytes | None = None,
        forms: tuple[str, str] = ("", ""),
    ) -> bytes:
        """From members that are packed already."""
        first = self.control_tar() if control is None else control
        second = self.data_tar() if data is None else data
        return ar([FORMAT, (f"control.tar{forms[0]}", first), (f"data.tar{forms[1]}", second)])

    def one(self, choices: Sequence[str]) -> str:
        return self.chance.choice(choices)

    def next(self, choices: Iterable[str]) -> str:
        """The one whose turn it is."""
        named = tuple(choices)
        return named[self._turn % len(named)]


def mutations(first: int, count: int) -> Iterator[Mutation]:
    """Those of these numbers, of each kind as many as of any other."""
    kinds = (_field, _text, _conffiles, _triggers, _control_entry, _packing, _data_entries,
             _header, _flipped, _archive, _names)  # fmt: skip
    for number in range(first, first + count):
        turn, kind = divmod(number, len(kinds))
        what, data = kinds[kind](_Make(number, turn))
        yield Mutation(f"{number}{kinds[kind].__name__}: {what}", data)


_Made = tuple[str, bytes]

_FIELDS: dict[str, Sequence[str]] = {
    "Status": ("install ok installed", "", "x"),
    "Config-Version": ("1.0", ""),
    "Triggers-Pending": ("a", ""),
    "Triggers-Awaited": ("a",),
    "Conffiles": ("", "x", "/etc/x 12", "\n /etc/x 12", "\n /etc/x 12 obsolete", "\n /etc/x",
                  "\n / 12", "\n /etc/a b 12 remove-on-upgrade", "\n\t/etc/x 12", "\n  /etc/x  12",
                  "\n /etc/x 12\n y"),
    "Revision": ("1", "a b"),
    "Package-Revision": ("1",),
    "Package_Revision": ("1",),
    "Recommended": ("a", "4 GB of memory", "a | b (>= 1)"),
    "Optional": ("a", "to do"),
    "Class": ("optional", "extra stuff", "new"),
    "Filename": ("a", "a b", ""),
    "Size": ("1", "1 2", ""),
    "MD5sum": ("1", ""),
    "Priority": ("optional", "required x", "new", "two words", "OPTIONAL", "standardised",
                 "extra\n x"),
    "Section": ("a b", "misc", ""),
    "Essential": ("yes", "YES", "yes no", "maybe", ""),
    "Protected": ("no", "x"),
    "Installed-Size": ("1", "abc", ""),
    "Source": ("other (1.0)", "A b c"),
    "Architecture": ("amd64", "amd64 i386"),
    "Version": ("1.0-1", "v1", "1.0-", "1:", "1 2", "1_0", "2147483648:1", "1.0~", ":1", "0:1"),
    "Depends": ("a", "a,", "a (>= 1)", "a (=> 1)", "a:any", "a [b]", "${x}", "a b", "a |"),
    "Homepage": ("x", ""),
    "Xb": ("x",),
    "X": ("y",),
    "-X": ("y",),
    "X Y": ("z",),
}  # fmt: skip


def _field(make: _Make) -> _Made:
    field = make.next(_FIELDS)
    value = make.one(_FIELDS[field])
    if field in GOOD:
        return f"{field}: {value!r}", make.deb(
            make.control_tar(text=make.control(**{field: value}))
        )
    more = [f"{field}: {value}"]
    if make.chance.random() < 0.2:
        more.append(f"{field.lower()}: {value}")
    return repr(more), make.deb(make.control_tar(text=make.control(*more)))


def _text(make: _Make) -> _Made:
    text = make.control()
    changes: dict[str, bytes] = {
        "no newline": text[:-1],
        "newlines around": b"\n\n" + text + b"\n\n",
        "carriage returns": text.replace(b"\n", b"\r\n"),
        "an empty line inside": text.replace(b"\nMaintainer", b"\n\nMaintainer"),
        "a line of blanks": text.replace(b"\nMaintainer", b"\n  \nMaintainer"),
        "continuation first": b" x\n" + text,
        "a comment": b"# x\n" + text,
        "a comment like a field": text.replace(b"\nMaintainer", b"\n#X: y\nMaintainer"),
        "no colon": text.replace(b"\nMaintainer", b"\nnonsense\nMaintainer"),
        "no name": text.replace(b"\nMaintainer", b"\n: x\nMaintainer"),
        "blanks before the colon": text.replace(b"Maintainer:", b"Maintainer \t:"),
        "a field twice": text.replace(b"\nMaintainer", b"\nVersion: 2\nMaintainer"),
        "nothing": b"",
        "a second paragraph": text + b"\n" + text,
        "latin-1": text.replace(b"A Tester", b"J\xe9r"),
        "an end of file": text.replace(b"A Tester", b"A\x1aTester"),
        "a byte order mark": b"\xef\xbb\xbf" + text,
        "no Package": text.replace(b"Package:", b"Xackage:"),
        "no Version": text.replace(b"Version:", b"Xersion:"),
        "an empty field last": text + b"X-Last:\n",
    }
    what = make.next(changes)
    return what, make.deb(make.control_tar(text=changes[what]))


def _conffiles(make: _Make) -> _Made:
    own = make.home[1:] + b"file"
    lines = [
        own + b"\n", own + b"  \n", own + b"\r\n", own + b"\n" + own + b"\n", own[1:] + b"\n",
        b"\n", b"   \n", b"# x\n", b" " + own + b"\n", b"/etc/" + own[5:] + b"\n", b"/\n",
        b"remove-on-upgrade /etc/gone\n", b"remove-on-upgrade " + own + b"\n",
        b"remove-on-upgrade\n", b"remove-on-upgrade  /x\n", b"remove-on-upgrade x\n",
        b"keep " + own + b"\n", b"/" + b"x" * make.chance.choice((990, 995, 996, 2000)) + b"\n",
        own + b"\0\n", b"/no/newline",
    ]  # fmt: skip
    body = b"".join(make.chance.choices(lines, k=make.chance.randint(1, 2)))
    return f"{body[:60]!r}", make.deb(make.control_tar(entry(b"./conffiles", body)))


def _triggers(make: _Make) -> _Made:
    words = (
        "interest", "interest-await", "interest-noawait", "activate", "activate-await",
        "activate-noawait", "watch", "Interest", "#",
    )  # fmt: skip
    own = make.name
    names = (
        own, f"/usr/{own}", f"/usr//{own}", f"/usr/{own}/", own.upper(), f"{own}_x", f"-{own}",
        f"{own} x", f"{own}\xe9", f"{own}\x01", "", f"{own}:x", f"{own}\r", f"~{own}", f"{own}\0",
        f"{own}{'x' * make.chance.choice((200, 240, 250))}",
    )  # fmt: skip
    line = make.one(("", "", "", " ")) + make.one(words) + make.one((" ", " ", "\t", "  ", ""))
    line += make.one(names) + make.one(("\n", "\n", "\n", " \n", ""))
    body = (make.one(("", "# x\n", "\n")) + line).encode("latin-1")
    return f"{body[:60]!r}", make.deb(make.control_tar(entry(b"./triggers", body)))


def _control_entry(make: _Make) -> _Made:
    longest = b"./" + b"n" * make.chance.choice((98, 99, 150)) + b"\0"
    dotted = b"./n." + b"n" * make.chance.choice((100, 150, 251, 252)) + b"\0"
    choices: dict[str, bytes] = {
        "folder": entry(b"./x/", kind=b"5"),
        "hidden folder": entry(b"./.x/", kind=b"5"),
        "file in a folder": entry(b"./x/y", b"z"),
        "file with a slash": entry(b"./x/", b""),
        "folder for a script": entry(b"./postinst/", kind=b"5"),
        "device for a script": entry(b"./postinst", kind=b"3"),
        "link for a script": link(b"./postinst", b"control", b"2"),
        "dangling link": link(b"./postinst", b"nowhere", b"2"),
        "hard link": link(b"./copy", b"./control", b"1"),
        "hard link to nothing": link(b"./copy", b"./nothing", b"1"),
        "long name": entry(b"x", longest, b"L") + entry(b"x", b"y"),
        "long name with a dot": entry(b"x", dotted, b"L") + entry(b"x", b"y"),
        "pax": pax(mtime=b"1.5") + entry(b"./x", b"y"),
        "global pax": pax(b"g", comment=b"x") + entry(b"./x", b"y"),
        "pax size": pax(size=b"1") + entry(b"./x", b"y"),
        "another type": entry(b"./x", b"y", make.one("QSVM7").encode()),
        "up": entry(b"./../x", b"y"),
        "absolute": entry(b"/x", b"y"),
        "folder with a size": entry(b"./", kind=b"5", size=b"00000010000\0"),
        "folder with bytes": entry(b"./", b"x" * 600, b"5"),
        "twice": entry(b"./x", b"1") + entry(b"./x", b"2"),
        "two control files": entry(b"./control", make.control()),
        "odd name": entry(b"./a\nb\xe9", b"x"),
        "signed sum": summed(entry(b"./\xe9", b"x"), signed=True),
        "wrong sum": entry(b"./x", b"y")[:148] + b"0000000\0" + entry(b"./x", b"y")[156:],
        "empty script": entry(b"./postinst"),
        "list": entry(b"./list", b"x"),
        "conffiles as a link": entry(b"./none") + link(b"./conffiles", b"none", b"2"),
    }
    what = make.next(choices)
    return what, make.deb(make.control_tar(choices[what]))


def _packing(make: _Make) -> _Made:
    of_control = make.chance.random() < 0.3
    form = make.next(FORMS[1:4] if of_control else FORMS[1:])
    body = make.control_tar() if of_control else make.data_tar()
    packed = COMPRESS[form](body)
    at = make.chance.choice((700, 1024, len(body)))
    flip = bytearray(packed)
    flip[make.chance.randrange(len(flip))] ^= 1 << make.chance.randrange(8)
    done: dict[str, bytes] = {
        "as it is": packed,
        "several streams": COMPRESS[form](body[:at]) + COMPRESS[form](body[at:]),
        "an empty stream behind": packed + COMPRESS[form](b""),
        "zeros behind": packed + bytes(make.chance.choice((1, 4, 512, 9000))),
        "very many zeros behind": packed + bytes(2_000_000),
        "bytes behind": packed + b"tail",
    }
    if form != ".zst":
        done["cut"] = packed[: make.chance.randrange(len(packed))]
        done["flipped"] = bytes(flip)
    if form == ".gz":
        done["plain"] = body
    what = make.next(done)
    if of_control:
        return f"{what} {form}", make.deb(done[what], forms=(form, ""))
    return f"{what} {form}", make.deb(data=done[what], forms=("", form))


def _data_entries(make: _Make) -> _Made:
    home, own = make.home, make.name.encode()
    file = home + b"file"
    long = make.chance.choice((200, 246, 247, 300))
    choices: dict[str, list[bytes]] = {
        "no folder": [entry(home + b"deep/x", b"y")],
        "folder behind": [entry(home + b"deep/x", b"y"), entry(home + b"deep/", kind=b"5")],
        "folder of the host": [entry(b"./usr/bin/" + own, b"y")],
        "folder without a slash": [entry(home + b"d", kind=b"5"), entry(home + b"d/x", b"y")],
        "old folder": [entry(home + b"d/"), entry(home + b"d/x", b"y")],
        "folder with a size": [entry(home + b"d/", kind=b"5", size=b"00000010000\0")],
        "folder with bytes": [entry(home + b"d/", b"x", b"5"), entry(home + b"x", b"y")],
        "file as a folder": [entry(file + b"/x", b"y")],
        "link as a folder": [link(home + b"s", b".", b"2"), entry(home + b"s/x", b"y")],
        "link into a later folder": [
            link(home + b"d/s", b"x", b"2"),
            entry(home + b"d/", kind=b"5"),
        ],
        "link without a folder": [link(home + b"d/s", b"x", b"2")],
        "empty link": [link(home + b"s", b"", b"2")],
        "link with a slash": [link(home + b"s/", b"x", b"2")],
        "link over a folder": [link(home, b"x", b"2")],
        "hard link": [link(home + b"h", file, b"1"), link(home + b"i", home + b"h", b"1")],
        "hard link before": [link(home + b"h", home + b"z", b"1"), entry(home + b"z", b"y")],
        "hard link to nothing": [link(home + b"h", home + b"nothing", b"1")],
        "hard link to itself": [link(file, file, b"1")],
        "hard link to a folder": [link(home + b"h", home, b"1")],
        "hard link to a link": [
            link(home + b"s", b"x", b"2"),
            link(home + b"h", home + b"s", b"1"),
        ],
        "hard link, absolute": [link(home + b"h", file[1:], b"1")],
        "pipe": [entry(home + b"p", kind=b"6")],
        "pax": [pax(mtime=b"1.5"), entry(home + b"x", b"y")],
        "global pax": [pax(b"g", comment=b"x"), entry(home + b"x", b"y")],
        "another type": [entry(home + b"x", b"y", make.one("7QSVMNXAD").encode())],
        "twice": [entry(file, b"other")],
        "twice, spelled otherwise": [entry(home[2:] + b"/./file", b"other")],
        "file then folder": [entry(file, kind=b"5")],
        "folder then file": [entry(home + b"d/", kind=b"5"), entry(home + b"d", b"y")],
        "absolute": [entry(home[1:] + b"x", b"y")],
        "slashes": [entry(b".//opt//" + own + b"///x", b"y")],
        "dots": [entry(home + b"../" + own + b"/x", b"y")],
        "root as a file": [entry(b".", b"y")],
        "newline": [entry(home + b"a\nb", b"y")],
        "odd name": [entry(home + b"\xff\x01 ", b"y")],
        "long name": [entry(b"x", home + b"n" * long + b"\0", b"L"), entry(b"x", b"y")],
        "long folder": [entry(b"x", home + b"n" * long + b"/\0", b"L"), entry(b"x", kind=b"5")],
        "long name without end": [entry(b"x", home + b"n" * 200, b"L"), entry(b"x", b"y")],
        "long name, empty": [entry(b"x", b"\0", b"L"), entry(b"x", b"y")],
        "long name at the end": [entry(b"x", home + b"n\0", b"L")],
        "long link": [entry(b"x", b"n" * 3000 + b"\0", b"K"), link(home + b"s", b"", b"2")],
        "no name": [entry(b"", b"y")],
        "signed sum": [summed(entry(home + b"\xe9", b"y"), signed=True)],
        "goes on": [END, entry(home + b"x", b"y")],
        "noise behind": [END, b"\x55" * 700],
        "cut in a file": [entry(home + b"x", b"y" * 2000)[:1200]],
    }
    what = make.next(choices)
    end = b"" if what == "cut in a file" else make.chance.choice((END, END, b"", b"x" * 100))
    return what, make.deb(data=make.data_tar(*choices[what], end=end))


_NUMBERS = (
    b"0", b"644", b" 644", b"644 ", b"644\0", b"-1", b"99", b"", b"\0", b"1 2", b"1\0x", b"\x80",
    b"\xff", b"x", b"\x80\0\0\0\0\0\0\1",
)  # fmt: skip
_SIZES = (b"6", b"          6", b"6 ", b"6\0", b"", b"-6", b"6 6", b"\x80", b"0")


def _header(make: _Make) -> _Made:
    """A field of a header in either archive, its sum right."""
    fields = {"mode": (100, 8), "uid": (108, 8), "gid": (116, 8), "size": (124, 12),
              "mtime": (136, 12), "magic": (257, 8), "owner": (265, 32),
              "prefix": (345, 20)}  # fmt: skip
    what = make.next(fields)
    start, length = fields[what]
    numbers = _SIZES if what == "size" else _NUMBERS
    value = make.chance.choice(numbers)
    pad = make.chance.choice((b" ", b"\0"))
    of_control = make.chance.random() < 0.3
    made = entry(b"./x" if of_control else make.home + b"x", b"hello\n")
    made = summed(patched(made, start, value.ljust(length, pad)[:length]))
    said = f"{what} {value!r} {pad!r}"
    if of_control:
        return f"control {said}", make.deb(make.control_tar(made))
    return said, make.deb(data=make.data_tar(made))


def _flipped(make: _Make) -> _Made:
    """A byte of a header changed, in either archive; sometimes the sum after it."""
    of_control = make.chance.random() < 0.3
    safe = [*range(124), *range(136, 156), *range(257, 512)]
    at = make.chance.choice(safe if of_control else [*safe, 156])
    target = bytearray(entry(b"./x" if of_control else make.home + b"x", b"hello\n"))
    target[at] = make.chance.choice((0, 32, 47, 48, 57, 65, 255, target[at] ^ 1))
    mended = (
        bytes(target) if 148 <= at < 156 or make.chance.random() < 0.3 else summed(bytes(target))
    )
    if of_control:
        return f"control {at}", make.deb(make.control_tar(mended))
    return f"data {at}", make.deb(data=make.data_tar(mended))


def _archive(make: _Make) -> _Made:
    """The ar archive around."""
    form, control = member(*FORMAT), member("control.tar", make.control_tar())
    body = make.data_tar()
    data = member("data.tar", body)
    behind = make.chance.choice((1, 2, 59))
    size = str(len(body)).encode()
    version = make.one(
        ("2.1\nx\n", "2.0", "3.0\n", "2.\n", "2.0x\n", "02.0\n", " 2.0\n", "2.99999999999\n")
    )
    wholes: dict[str, list[bytes]] = {
        "bytes behind": [form, control, data, b"\n" * behind],
        "many bytes behind": [form, control, data, b"\n" * 60],
        "size to the right": [form, control, patched(data, 48, size.rjust(10))],
        "size in the middle": [form, control, patched(data, 48, b" " + size.ljust(9))],
        "size and more": [form, control, patched(data, 48, (size + b" x").ljust(10))],
        "size of letters": [form, control, patched(data, 48, b"x" + size.ljust(9))],
        "too large": [form, control, member("data.tar", body, len(body) + 2)],
        "no end of a header": [form, patched(control, 58, b"xx"), data],
        "date of letters": [form, patched(control, 16, b"x" * 32), data],
        "slashes": [member("debian-binary/", b"2.0\n"), control, member("data.tar/", body)],
        "version": [member("debian-binary", version.encode()), control, data],
        "first": [control, form, data],
        "swapped": [form, data, control],
        "stranger": [form, member("x", b""), control, data],
        "stranger between": [form, control, member("x", b""), data],
        "stranger behind": [form, control, data, member("x", b"abc")],
        "underscored": [form, member("_x", b"a"), control, member("_y", b""), data],
        "underscored first": [member("_x", b"a"), form, control, data],
        "no control": [form, data],
        "no data": [form, control],
        "two controls": [form, control, control, data],
        "two datas": [form, control, data, data],
        "unknown packing": [form, control, member("data.tar.rar", body)],
        "bz2 for control": [form, member("control.tar.bz2", COMPRESS[".bz2"](END)), data],
        "empty control": [form, member("control.tar", b""), data],
        "empty data": [form, control, member("data.tar", b"")],
        "no padding": [form, control, member("data.tar", body + b"\0")[:-1]],
        "NUL in a name": [form, control, member("data.tar\0x", body)],
    }  # fmt: skip
    what = make.next(wholes)
    magic = b"!<arch>\n" if make.chance.random() < 0.95 else b"!<thin>\n"
    return what, magic + b"".join(wholes[what])


def _names(make: _Make) -> _Made:
    """Names of packages, up to what dpkg can store with the files that are there."""
    length = make.chance.choice((1, 2, 100, 200, 230, 231, 232, 233, 240, 243, 244, 250))
    name = (make.name + "n" * length)[: max(length, len(make.name))]
    files = [entry(b"./md5sums", b""), entry(b"./" + b"c" * make.chance.choice((5, 20, 60)), b"")]
    kept = make.chance.sample(files, make.chance.randint(0, 2))
    text = make.control(Package=name, Version="1", Maintainer="x")
    return f"{len(name)} {len(kept)}", make.deb(make.control_tar(*kept, text=text))


# Parts


def link(name: bytes, target: bytes, kind: bytes) -> bytes:
    """An entry that is a link."""
    return summed(patched(entry(name, kind=kind), 157, target))


def patched(body: bytes, at: int, value: bytes) -> bytes:
    return body[:at] + value + body[at + len(value) :]


def summed(made: bytes, *, signed: bool = False) -> bytes:
    """An entry with the right sum in its header, or the one that old tars wrote."""
    blank = patched(made, 148, b" " * 8)
    total = sum(byte - 256 * (signed and byte > 127) for byte in blank[:512])
    return patched(blank, 148, b"%06o\0 " % total)
