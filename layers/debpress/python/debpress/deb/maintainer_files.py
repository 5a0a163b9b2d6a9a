"""The files beside the control file that dpkg reads itself: their text as it must be.

One of them in another form, and no host can unpack the package. The rules are those of dpkg 1.21
to 1.23: deb_parse_conffiles in src/main/unpack.c, trig_parse_ci in lib/dpkg/triglib.c,
MAXCONFFILENAME and MAXTRIGDIRECTIVE in lib/dpkg/dpkg.h.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator

from debpress.deb import blocks
from debpress.deb.control_tar import SCRIPTS, ControlTar
from debpress.errors import Code
from debpress.findings import Report, shown

# The longest line, its newline counted.
_CONFFILES_LINE = 997
_TRIGGERS_LINE = 255
_BLANKS = b" \t\n\v\f\r"
_REMOVED = b"remove-on-upgrade"
_DIRECTIVES = frozenset(
    prefix + suffix
    for prefix in (b"interest", b"activate")
    for suffix in (b"", b"-await", b"-noawait")
)
_TRIGGER = re.compile(rb"[!-~]+")
# What can be waited for: a package-like name, or the path of a file.
_INTEREST = re.compile(rb"[A-Za-z0-9][A-Za-z0-9+.-]*|(?:/[^/]+)+")
# What dpkg writes beside the files of a package, as `<package>.md5sums-new`, is a file's name too.
_LONGEST_FILE = 255


_Problem = Callable[[bytes, str], None]


def check(found: ControlTar, report: Report) -> frozenset[bytes]:
    """Reports what dpkg would refuse. Gives the files that data.tar may not hold, since the package
    has dpkg remove them: each as its path's parts, joined by slashes."""

    def problem(file: bytes, what: str) -> None:
        report(
            Code.CONTROL_MALFORMED,
            f"its {file.decode()} {what}, for which dpkg refuses to unpack it; mend that file",
        )

    removed: set[bytes] = set()
    for line in _lines(b"conffiles", found, _CONFFILES_LINE, problem):
        _conffile(line, removed, problem)
    for line in _lines(b"triggers", found, _TRIGGERS_LINE, problem):
        _trigger(line, problem)
    for name in SCRIPTS:
        said = found.texts.get(name, b"")
        if said.startswith(b"#!") and said.endswith(b"\r"):
            problem(name, f"begins with {shown(said)}, a program with a carriage return")
    return frozenset(removed)


def longest_package_name(names: set[bytes], qualifier: int) -> int:
    """How long a package's name may be so that dpkg can name these files of it after it.

    `qualifier` is the length of what dpkg puts behind the name of a Multi-Arch: same package.
    """
    suffixes = [b".list-new", b".md5sums" if b"md5sums" in names else b".md5sums-new"]
    suffixes += [b"." + name for name in names if b"." not in name and name != b"control"]
    return _LONGEST_FILE - qualifier - max(map(len, suffixes))


def _lines(name: bytes, found: ControlTar, longest: int, problem: _Problem) -> Iterator[bytes]:
    """The lines of a list; what is wrong with one as a line is told here."""
    for line in io.BytesIO(found.texts.get(name, b"")):
        if b"\0" in line:
            problem(name, f"holds a NUL, in {shown(line)}")
        elif len(line) > longest:
            problem(name, f"has a line of more than {longest} bytes, {shown(line)}")
        elif not line.endswith(b"\n"):
            problem(name, "has no newline at its end")
        else:
            yield line


def _conffile(line: bytes, removed: set[bytes], problem: _Problem) -> None:
    text = line.rstrip(_BLANKS)
    flag, _, path = text.partition(b" ")
    if text.startswith(b"/") or not text:
        return
    if not path.startswith(b"/"):
        problem(b"conffiles", f"names {shown(text)}, which is no absolute path")
    elif flag != _REMOVED:
        problem(b"conffiles", f"has {shown(text)}, whose first word is no flag")
    else:
        removed.add(b"/".join(blocks.parts_of(path)))


def _trigger(line: bytes, problem: _Problem) -> None:
    text = line.strip(b" \t\n")
    if not text or text.startswith(b"#"):
        return
    directive, *rest = re.split(rb"[ \t]+", text, maxsplit=1)
    name = rest[0] if rest else b""
    if directive not in _DIRECTIVES:
        problem(b"triggers", f"has the unknown directive {shown(directive)}")
    elif not _TRIGGER.fullmatch(name):
        problem(b"triggers", f"has the malformed trigger name {shown(name)}")
    elif directive.startswith(b"interest") and not _INTEREST.fullmatch(name):
        problem(b"triggers", f"waits for {shown(name)}, which is no name and no path")
