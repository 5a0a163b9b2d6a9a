"""Bad packages, in a batch with a good one that must not be published either."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Iterator, Mapping

from tests.corpus import Case, listing
from tests.support.debs import COMPRESS, FORMAT, ar, control, deb, entry, member, pax, tar

TAR = tar([("./control", control())])
CONTROL = ("control.tar", TAR)
DATA = ("data.tar", tar([("./etc/motd", b"hello\n")]))

_MALFORMED, _CUT, _PACKING = "deb-malformed", "deb-truncated", "compression-unknown"
_SYNTAX, _FIELD, _RELATION = "control-malformed", "field-missing", "relation-malformed"
_NAME, _VERSION, _ARCHITECTURE = "name-malformed", "version-malformed", "architecture-malformed"
_LARGE, _CONTROL, _DATA = "control-too-large", "control-missing", "data-missing"


def _tar(body: bytes, name: str = "control.tar") -> bytes:
    return ar([FORMAT, (name, body), DATA])


def _zeros(size: int) -> bytes:
    return entry(b"./md5sums", bytes(size))


def _bombs() -> Mapping[str, bytes]:
    """A gigabyte in a few hundred kilobytes, made without holding it."""
    gz = zlib.compressobj(9, zlib.DEFLATED, 31)
    xz = lzma.LZMACompressor(lzma.FORMAT_XZ, preset=0)
    block = bytes(2**20)
    head = entry(b"./control", size=b"%011o\0" % 2**30)
    parts = {".gz": [gz.compress(head)], ".xz": [xz.compress(head)]}
    for _ in range(64):
        parts[".gz"].append(gz.compress(block))
        parts[".xz"].append(xz.compress(block))
    parts[".gz"].append(gz.flush())
    parts[".xz"].append(xz.flush())
    zst = COMPRESS[".zst"](head + bytes(40 * 2**20))
    return {**{form: b"".join(each) for form, each in parts.items()}, ".zst": zst}


_BOMBS = _bombs()

# What is wrong with the archive.
ARCHIVES: dict[str, tuple[bytes, list[str]]] = {
    "empty": (b"", [_CUT]),
    "text": (b"this is no package\n", [_MALFORMED]),
    "zip": (b"PK\x03\x04" + bytes(100), [_MALFORMED]),
    "rpm": (b"\xed\xab\xee\xdb" + bytes(100), [_MALFORMED]),
    "thin-archive": (b"!<thin>\n" + bytes(100), [_MALFORMED]),
    "magic-cut": (b"!<arch>", [_MALFORMED]),
    "magic-alone": (b"!<arch>\n", [_CONTROL, _DATA]),
    "header-cut": (deb()[:40], [_CUT]),
    "header-nonsense": (b"!<arch>\n" + b"x" * 60, [_MALFORMED]),
    "first-alone": (ar([FORMAT]), [_CONTROL, _DATA]),
    "no-first": (ar([CONTROL, DATA]), [_MALFORMED]),
    "no-control": (ar([FORMAT, DATA]), [_CONTROL]),
    "no-data": (ar([FORMAT, CONTROL]), [_DATA]),
    "data-first": (ar([FORMAT, DATA, CONTROL]), [_MALFORMED]),
    "control-twice": (ar([FORMAT, CONTROL, CONTROL, DATA]), [_MALFORMED]),
    "data-twice": (ar([FORMAT, CONTROL, DATA, DATA]), [_MALFORMED]),
    "stranger-between": (ar([FORMAT, CONTROL, ("x", b""), DATA]), [_MALFORMED]),
    "format-3": (ar([("debian-binary", b"3.0\n"), CONTROL, DATA]), [_MALFORMED]),
    "format-0.9": (b"0.939000\n7\n" + bytes(100), [_MALFORMED]),
    "members-without-end": (ar([FORMAT, CONTROL, DATA, *[("_x", b"")] * 40]), [_MALFORMED]),
    "data-cut": (ar([FORMAT, CONTROL]) + member("data.tar", b"x", size=5000), [_CUT]),
    "control-cut": (ar([FORMAT]) + member("control.tar", TAR, size=10**6), [_CUT]),
    "last-byte-cut": (deb(data=b"x" * 600, data_form="")[:-1], [_CUT]),
    "padding-cut": (ar([FORMAT, CONTROL]) + member("data.tar", b"x")[:-1], [_CUT]),
    "size-negative": (
        ar([FORMAT]) + member("control.tar", b"").replace(b"0         `", b"-1        `"),
        [_MALFORMED],
    ),
    "size-beyond": (ar([FORMAT, CONTROL]) + member("data.tar", b"", size=10**9), [_CUT]),
    "control-bz2": (_tar(bz2.compress(TAR), "control.tar.bz2"), [_PACKING]),
    "control-lzma": (_tar(COMPRESS[".lzma"](TAR), "control.tar.lzma"), [_PACKING]),
    "control-7z": (_tar(TAR, "control.tar.7z"), [_PACKING]),
    "data-rar": (ar([FORMAT, CONTROL, ("data.tar.rar", b"")]), [_PACKING]),
    "gz-is-none": (_tar(TAR, "control.tar.gz"), [_MALFORMED]),
    "xz-is-gz": (_tar(gzip.compress(TAR), "control.tar.xz"), [_MALFORMED]),
    "zst-is-xz": (_tar(lzma.compress(TAR), "control.tar.zst"), [_MALFORMED]),
    "gz-cut": (_tar(gzip.compress(TAR)[:-9], "control.tar.gz"), [_MALFORMED]),
    "xz-cut": (_tar(lzma.compress(TAR)[:-9], "control.tar.xz"), [_MALFORMED]),
    "zst-cut": (_tar(COMPRESS[".zst"](TAR)[:-9], "control.tar.zst"), [_MALFORMED]),
    "gz-sum": (_tar(gzip.compress(TAR)[:-8] + bytes(8), "control.tar.gz"), [_MALFORMED]),
    "gz-bomb": (_tar(_BOMBS[".gz"], "control.tar.gz"), [_LARGE] * 2),
    "xz-bomb": (_tar(_BOMBS[".xz"], "control.tar.xz"), [_LARGE] * 2),
    "zst-bomb": (_tar(_BOMBS[".zst"], "control.tar.zst"), [_LARGE] * 2),
    "streams-without-end": (_tar(gzip.compress(b"") * 99, "control.tar.gz"), [_MALFORMED]),
    "tar-empty": (_tar(b""), [_CONTROL]),
    "tar-zeros": (_tar(bytes(10_240)), [_CONTROL]),
    "tar-without-control": (_tar(tar([("./md5sums", b"")])), [_CONTROL]),
    "tar-noise": (_tar(b"\x55" * 1024), [_MALFORMED]),
    "tar-sum": (_tar(b"X" + TAR[1:]), [_MALFORMED]),
    "tar-cut": (_tar(TAR[:600]), [_MALFORMED]),
    "tar-size-binary": (_tar(entry(b"./x", size=b"\x80" + bytes(11)) + TAR), [_MALFORMED]),
    "tar-size-octal-8": (_tar(entry(b"./x", size=b"00000000008\0") + TAR), [_MALFORMED]),
    "tar-sparse": (_tar(entry(b"./control", control(), b"S")), [_MALFORMED]),
    "tar-pax-size": (_tar(pax(size=b"9") + TAR), [_MALFORMED]),
    "tar-pax-global-name": (_tar(pax(b"g", path=b"control") + TAR), [_MALFORMED]),
    "tar-pax-nonsense": (_tar(entry(b"pax", b"999 a=b\n", b"x") + TAR), [_MALFORMED]),
    "tar-name-without-end": (_tar(entry(b"n", bytes(100_000), b"L") + TAR), [_MALFORMED]),
    "control-symlink": (_tar(entry(b"./control", kind=b"2")), [_SYNTAX]),
    "control-hardlink": (_tar(entry(b"./control", kind=b"1")), [_SYNTAX]),
    "control-folder": (_tar(entry(b"./control", kind=b"5")), [_SYNTAX]),
    "control-device": (_tar(entry(b"./control", kind=b"3")), [_SYNTAX]),
    "control-file-twice": (_tar(entry(b"./control", control()) * 2), [_SYNTAX]),
    "control-elsewhere": (_tar(tar([("../control", control())])), [_SYNTAX]),
    "control-large": (_tar(entry(b"./control", b"x" * (10**6 + 1))), [_LARGE]),
    "control-tar-large": (_tar(_zeros(33 * 2**20)), [_LARGE]),
}  # fmt: skip

GOOD = control()

# What is wrong with the control file.
CONTROLS: dict[str, tuple[bytes, list[str]]] = {
    "nothing": (b"", [_FIELD] * 3),
    "newlines": (b"\n\n\n", [_FIELD] * 3),
    "no-package": (control(Package=None), [_FIELD]),
    "no-version": (control(Version=None), [_FIELD]),
    "no-architecture": (control(Architecture=None), [_FIELD]),
    "package-empty": (control(Package=""), [_FIELD]),
    "field-twice": (GOOD + b"Package: bar\n", [_SYNTAX]),
    "field-twice-other-case": (GOOD + b"VERSION: 2\n", [_SYNTAX]),
    "two-paragraphs": (GOOD + b"\n" + GOOD, [_SYNTAX] * 6),
    "stanza-smuggled": (GOOD + b"\nFilename: evil\n", [_SYNTAX]),
    "blank-line": (GOOD + b" \nSection: misc\n", [_SYNTAX]),
    "comment": (b"# hello\n" + GOOD, [_SYNTAX]),
    "comment-inside": (GOOD + b"#Section: misc\n", [_SYNTAX]),
    "lone-dot": (GOOD + b".\n", [_SYNTAX]),
    "no-colon": (GOOD + b"Section misc\n", [_SYNTAX]),
    "colon-first": (GOOD + b": misc\n", [_SYNTAX]),
    "field-with-blank": (GOOD + b"X Note: misc\n", [_SYNTAX]),
    "field-of-one-letter": (GOOD + b"X: y\n", [_SYNTAX]),
    "field-not-ascii": (GOOD + b"\xc3\xa9: y\n", [_SYNTAX]),
    "continuation-first": (b" x\n" + GOOD, [_SYNTAX]),
    "no-newline": (GOOD[:-1], [_SYNTAX]),
    "last-field-empty": (GOOD + b"Section:\n", [_SYNTAX]),
    "nul": (GOOD + b"X-Note: a\0b\n", [_SYNTAX]),
    "escape": (GOOD + b"X-Note: \x1b[2J\n", [_SYNTAX]),
    "carriage-return-inside": (GOOD + b"X-Note: a\rSHA256: b\n", [_SYNTAX]),
    "form-feed": (GOOD + b"X-Note: a\x0cb\n", [_SYNTAX]),
    "end-of-file-sign": (GOOD + b"X-Note: a\x1ab\n", [_SYNTAX]),
    "fields-without-end": (GOOD + b"".join(b"F%d: x\n" % n for n in range(1100)), [_SYNTAX] * 105),
    "utf-16": (GOOD.decode().encode("utf-16-le"), [_SYNTAX] * 19 + [_FIELD] * 3),
    "name-upper": (control(Package="Foo"), [_NAME]),
    "name-underscore": (control(Package="foo_bar"), [_NAME]),
    "name-dash-first": (control(Package="-foo"), [_NAME]),
    "name-slash": (control(Package="../foo"), [_NAME]),
    "name-blank": (control(Package="foo bar"), [_NAME]),
    "name-not-ascii": (control(Package="f\u00f6\u00f6"), [_NAME]),
    "name-long": (control(Package="f" * 256), [_NAME]),
    "name-and-version-long": (control(Package="f" * 200, Version="1" * 100), [_NAME]),
    "name-lines": (control(Package="foo\n bar"), [_NAME]),
    "source-malformed": (control(Source="Foo Bar"), [_NAME]),
    "source-version": (control(Source="foo (1 2)"), [_NAME]),
    "source-up": (control(Source="../../x"), [_NAME]),
    "version-letter": (control(Version="v1.0"), [_VERSION]),
    "version-blank": (control(Version="1.0 beta"), [_VERSION]),
    "version-underscore": (control(Version="1_0"), [_VERSION]),
    "version-dash-last": (control(Version="1.0-"), [_VERSION]),
    "version-epoch-letter": (control(Version="a:1.0"), [_VERSION]),
    "version-epoch-empty": (control(Version=":1.0"), [_VERSION]),
    "version-epoch-large": (control(Version="2147483648:1"), [_VERSION]),
    "version-slash": (control(Version="1/../../2"), [_VERSION]),
    "version-not-ascii": (control(Version="1.0\u00e9"), [_VERSION]),
    "version-other-digits": (control(Version="\u0661"), [_VERSION]),
    "version-long": (control(Version="1" * 300), [_VERSION]),
    "architecture-any": (control(Architecture="any"), [_ARCHITECTURE]),
    "architecture-wildcard": (control(Architecture="linux-any"), [_ARCHITECTURE]),
    "architecture-two": (control(Architecture="amd64 arm64"), [_ARCHITECTURE]),
    "architecture-source": (control(Architecture="source"), [_ARCHITECTURE]),
    "architecture-upper": (control(Architecture="AMD64"), [_ARCHITECTURE]),
    "architecture-up": (control(Architecture="../x"), [_ARCHITECTURE]),
    "architecture-not-configured": (control(Architecture="riscv64"), ["architecture-unknown"]),
    "depends-comma": (control(Depends="a, b,"), [_RELATION]),
    "depends-two-commas": (control(Depends="a,, b"), [_RELATION]),
    "depends-variable": (control(Depends="${misc:Depends}"), [_RELATION]),
    "depends-operator": (control(Depends="a (=> 1)"), [_RELATION]),
    "depends-version": (control(Depends="a (>= 1-)"), [_RELATION]),
    "depends-open": (control(Depends="a (>= 1"), [_RELATION]),
    "depends-words": (control(Depends="a b"), [_RELATION]),
    "depends-restricted": (control(Depends="a [amd64]"), [_RELATION]),
    "conflicts-alternative": (control(Conflicts="a | b"), [_RELATION]),
    "provides-slash": (control(Provides="a/b"), [_RELATION]),
    "multi-arch": (control(Multi_Arch="maybe"), [_SYNTAX]),
    "multi-arch-same-for-all": (control(Multi_Arch="same"), [_SYNTAX]),
    "essential": (control(Essential="perhaps"), [_SYNTAX]),
    "multi-arch-capital": (control(Multi_Arch="Foreign"), [_SYNTAX]),
    "provides-inequality": (control(Provides="foo (>= 1)"), [_RELATION]),
    "depends-epoch-with-zeros": (control(Depends="foo (>= 01:1.0)"), [_RELATION]),
    "depends-version-too-short": (control(Depends="foo (1)"), [_RELATION]),
    "own-sum": (control(SHA256="0" * 64), [_SYNTAX]),
    "own-description-md5": (control(Description_md5="zz"), [_SYNTAX]),
    "own-phase": (control(Phased_Update_Percentage="101"), [_SYNTAX]),
    "own-size-of-two-words": (control(Size="1 2", Filename="x"), [_SYNTAX]),
    "section-long": (control(Section="s" * 300), [_SYNTAX]),
    "all-at-once": (
        control(Package="Foo", Version="v1", Architecture="any", Depends="a,,b") + b"#\n",
        [_SYNTAX, _NAME, _VERSION, _ARCHITECTURE, _RELATION],
    ),
}  # fmt: skip

# What a file's name says otherwise than its control file.
NAMES = {
    "other-name": "bar_1.0_all.deb",
    "other-version": "foo_1.1_all.deb",
    "other-architecture": "foo_1.0_amd64.deb",
    "other-epoch": "foo_1%3a1.0_all.deb",
}


def bad() -> Iterator[Case]:
    beside = deb(control(Package="beside"))
    groups = (("archive", ARCHIVES), ("control", CONTROLS))
    for stem, bodies in groups:
        for name, (body, codes) in bodies.items():
            data = body if stem == "archive" else deb(body, control_form=".gz")
            files = {"bad.deb": data, "beside.deb": beside}
            errors = [("bad.deb", code) for code in codes]
            yield Case(f"{stem}-{name}", files, listing(files), errors)
    for name, file in NAMES.items():
        files = {file: deb(), "beside.deb": beside}
        yield Case(f"name-{name}", files, listing(files), [(file, "name-disagrees")])
