"""Reading a .deb: the order of its members, its control file, and what that must say."""

from __future__ import annotations

import re
from collections.abc import Callable

from debpress import architectures
from debpress.deb import (
    ar,
    compression,
    control,
    control_tar,
    data_tar,
    grammar,
    maintainer_files,
    own_fields,
    xz_streams,
)
from debpress.deb.package import Package
from debpress.deb.window import Reader, Window
from debpress.errors import Code
from debpress.findings import Findings, refused, shown

# Debian's largest control.tar is a few MB (md5sums of some 100,000 files), its largest control
# file some 30 KB; 8,000 dependencies are 300 KB.
_MOST_CONTROL_TAR = 32 * 1024 * 1024
_MOST_TEXT = 4 * 1024 * 1024
_MOST_FORMAT = 1024
# deb(5): a higher minor number and further lines are to be accepted.
_FORMAT = re.compile(rb"0*2\.0*[0-9]{1,9}\n")
# Of a large data.tar, what is walked: unpacked, and as it is stored, which is fetched at once. With
# what was read ahead of it, and its end, that is less than 1 MB.
_FIRST = 1024 * 1024
_FETCHED = 512 * 1024

_REBUILD = "build it again with dpkg-deb"


def inspect(
    name: str,
    reader: Reader,
    size: int,
    *,
    whole: int = 0,
    as_published: bool = False,
    tell: Callable[[bytes], None] | None = None,
) -> Package:
    """Reads and checks the package `name` of `size` bytes.

    The archive is as deb(5) describes and dpkg 1.21 to 1.23 unpack it. A data member of up to
    `whole` bytes is read to its end. Of a larger one the first 512 KiB are walked, or the first MiB
    of what it holds, and where its end tells how many streams it has (xz), that is looked at too.
    `as_published` passes over what hosts can live with, for a package that they have already.
    `tell` is told the path of each file in a data member that is read to its end.
    Raises RejectedError with all that can be found wrong. Of an ordinary package with such a member
    less than 1 MB is read, in three reads; memory does not grow with the package.
    """
    findings = Findings(name, as_published=as_published)
    fields: control.Fields = ()
    with findings.gathering():
        found = _archive(Window(reader, size), findings, whole, tell)
        if found is not None and found.control is not None:
            fields = control.parse(found.control, findings.add)
            package = _checked(name, fields, findings)
            _check_stored_names(package, found.names, findings)
    findings.close()
    return package


def _archive(
    window: Window, findings: Findings, whole: int, tell: Callable[[bytes], None] | None
) -> control_tar.ControlTar | None:
    """Walks the members; gives what control.tar holds, or None having said why not."""
    if not window.size:
        raise refused(Code.DEB_TRUNCATED, "is empty; upload it again")
    if window.exactly(0, min(window.size, len(ar.MAGIC))) != ar.MAGIC:
        raise refused(Code.DEB_MALFORMED, f"is not an ar archive, so no .deb; {_REBUILD}")
    walk = _Walk(window, findings, whole, tell)
    with findings.gathering():
        for number, member in enumerate(ar.members(window, walk.complete)):
            walk.step(number, member)
        walk.end()
    return walk.found


class _Walk:
    """The order that deb(5) asks for: debian-binary, control.tar, data.tar, then anything.

    Members whose name starts with _ may stand between; dpkg gives up on any other.
    """

    def __init__(
        self,
        window: Window,
        findings: Findings,
        whole: int,
        tell: Callable[[bytes], None] | None,
    ) -> None:
        self._window = window
        self._findings = findings
        self._whole = whole
        self._tell = tell
        self._controls = 0
        self._datas = 0
        self._removed: frozenset[bytes] = frozenset()
        self.found: control_tar.ControlTar | None = None

    def complete(self) -> bool:
        """Whether dpkg has found all that it looks for."""
        return self._controls > 0 and self._datas > 0

    def step(self, number: int, member: ar.Member) -> None:
        add = self._findings.add
        if number == 0 and member.name != b"debian-binary":
            add(
                Code.DEB_MALFORMED,
                f"its first member is {shown(member.name)}, not debian-binary; {_REBUILD}",
            )
        if number == 0 and member.name == b"debian-binary":
            self._format(member)
        elif member.name.startswith(b"control.tar"):
            self._control(member)
        elif member.name.startswith(b"data.tar"):
            self._data(member)
        elif number and not self._datas and not member.name.startswith(b"_"):
            add(
                Code.DEB_MALFORMED,
                f"has an unexpected member {shown(member.name)} before data.tar; {_REBUILD}",
            )

    def end(self) -> None:
        add = self._findings.add
        if not self._controls:
            add(Code.CONTROL_MISSING, f"has no control.tar member; {_REBUILD}")
        if not self._datas:
            add(Code.DATA_MISSING, f"has no data.tar member; {_REBUILD}")

    def _format(self, member: ar.Member) -> None:
        if not member.whole:
            return
        said = self._window.exactly(member.start, min(member.size, _MOST_FORMAT))
        if not _FORMAT.match(said):
            self._findings.add(
                Code.DEB_MALFORMED,
                f"its debian-binary says {shown(said)}, not 2.0; {_REBUILD}",
            )

    def _control(self, member: ar.Member) -> None:
        self._controls += 1
        add = self._findings.add
        extension = self._extension(member, b"control.tar", compression.CONTROL)
        if self._datas:
            add(Code.DEB_MALFORMED, f"has its control.tar after its data.tar; {_REBUILD}")
        if self._controls > 1:
            add(Code.DEB_MALFORMED, f"has more than one control.tar; {_REBUILD}")
        elif extension is None or not member.whole:
            return
        elif member.size > _MOST_CONTROL_TAR:
            add(
                Code.CONTROL_TOO_LARGE,
                f"its control.tar is {member.size} bytes, the most is {_MOST_CONTROL_TAR}; "
                "put what is so large into the package's files",
            )
        else:
            with self._findings.gathering():
                self._read_control(member, compression.Control(extension))

    def _read_control(self, member: ar.Member, packed: compression.Control) -> None:
        def report(code: Code, message: str) -> None:
            if code == Code.CONTROL_MISSING and packed.unread:
                code = Code.DEB_MALFORMED
                message = (
                    f"control.tar{packed.extension} has {packed.unread + 1} streams, of which dpkg "
                    f"reads the first, and that holds no control file; {_REBUILD}"
                )
            self._findings.add(code, message)

        pieces = self._window.pieces(member.start, member.size)
        self.found = control_tar.read(packed.unpack(pieces, _MOST_CONTROL_TAR), report, _MOST_TEXT)
        self._removed = maintainer_files.check(self.found, report)

    def _data(self, member: ar.Member) -> None:
        self._datas += 1
        extension = self._extension(member, b"data.tar", compression.DATA)
        if self._datas > 1:
            self._findings.add(Code.DEB_MALFORMED, f"has more than one data.tar; {_REBUILD}")
        elif extension is not None and not member.size and self.found is not None:
            # Not beside a control.tar that is no better: that says it all.
            self._findings.add(
                Code.DEB_MALFORMED,
                f"its data.tar has no bytes, for which dpkg from 1.22 on refuses it; {_REBUILD}",
            )
        elif extension is not None and member.whole:
            with self._findings.gathering():
                self._read_data(member, extension)

    def _read_data(self, member: ar.Member, extension: str) -> None:
        if member.size <= self._whole:
            pieces = self._window.pieces(member.start, member.size)
            unpacked = compression.unpack_data(extension, pieces)
            data_tar.walk(unpacked, self._removed, tell=self._tell)
            return
        pieces = self._window.pieces(member.start, member.size, _FETCHED)
        unpacked = compression.unpack_data(extension, data_tar.first(pieces, _FETCHED))
        seen = data_tar.walk_start(unpacked, _FIRST, self._removed, beyond=bool(extension))
        if (
            not seen
            and extension == ".xz"
            and (problem := xz_streams.problem(self._window, member.start, member.size))
        ):
            raise compression.broken("data.tar.xz", problem)

    def _extension(self, member: ar.Member, stem: bytes, known: tuple[str, ...]) -> str | None:
        extension = member.name.removeprefix(stem).decode("latin-1")
        if extension in known:
            return extension
        names = ", ".join(stem.decode() + e for e in known)
        self._findings.add(
            Code.COMPRESSION_UNKNOWN,
            f"its member {shown(member.name)} is compressed in a way dpkg does not know; "
            f"build it with one of {names}",
        )
        return None


def _checked(name: str, fields: control.Fields, findings: Findings) -> Package:
    """The package the fields describe; reports what Policy or dpkg would not have."""
    by_name = {key.lower(): value for key, value in fields}
    text = {key: value.decode("latin-1") for key, value in by_name.items()}
    missing = [f for f in ("Package", "Version", "Architecture") if not text.get(f.lower())]
    for field in missing:
        findings.add(
            Code.FIELD_MISSING, f"its control file has no {field}; add it (Debian Policy 5.3)"
        )
    package, version = text.get("package", ""), text.get("version", "")
    architecture = text.get("architecture", "")
    variant = text.get("architecture-variant", "")
    built_for = variant or architecture
    before = len(findings.refusals)
    _check_identity(package, version, built_for, findings)
    _check_architecture(architecture, variant, findings)
    source = grammar.source_of(text["source"]) if text.get("source") else package
    if source is None:
        source = package  # Where its file is kept is all that is made of it.
        findings.tolerate(
            Code.NAME_MALFORMED,
            f"its Source is {shown(text['source'])}; write a package name, "
            "or `name (version)` (Debian Policy 5.6.1)",
        )
    _check_shape(fields, findings)
    own_fields.check(text, findings.add, findings.tolerate)
    _check_words(text, findings)
    _check_relations(text, findings)
    well_formed = not missing and len(findings.refusals) == before
    if well_formed and grammar.disagrees(name, package, version, built_for, architecture):
        findings.add(
            Code.NAME_DISAGREES,
            f"its control file says {package} {version} {built_for}; name the file "
            f"{package}_{version.partition(':')[2] or version}_{built_for}.deb",
        )
    return Package(package, version, architecture, source, fields, variant)


def _check_identity(package: str, version: str, built_for: str, findings: Findings) -> None:
    if package and not grammar.is_package(package):
        report = findings.tolerate if grammar.is_package_to_dpkg(package) else findings.add
        report(
            Code.NAME_MALFORMED,
            f"its Package is {shown(package)}; use a-z 0-9 + - . only, a letter or digit first, "
            f"at most {grammar.LONGEST} (Debian Policy 5.6.7)",
        )
    if version and not grammar.is_version(version):
        findings.add(
            Code.VERSION_MALFORMED,
            f"its Version is {shown(version)}; write [epoch:]upstream[-revision], upstream "
            "beginning with a digit, of letters, digits and . + ~ - (Debian Policy 5.6.12)",
        )
    cached = f"{package}_{version.replace(':', '%3a')}_{built_for}.deb"
    if len(cached) > grammar.LONGEST and len(package) <= grammar.LONGEST >= len(version):
        findings.add(
            Code.NAME_MALFORMED,
            f"its name, version and architecture make a file name of {len(cached)} characters, "
            f"and apt can store {grammar.LONGEST}; make them shorter",
        )


def _check_architecture(architecture: str, variant: str, findings: Findings) -> None:
    if architecture and not grammar.is_architecture(architecture):
        findings.add(
            Code.ARCHITECTURE_MALFORMED,
            f"its Architecture is {shown(architecture)}; a built package has one architecture, "
            "as amd64, or all (Debian Policy 5.6.8)",
        )
    elif architecture and variant and architectures.base_of(variant) != architecture:
        known = [v for v in architectures.known_variants() if v.startswith(architecture)]
        findings.add(
            Code.ARCHITECTURE_MALFORMED,
            f"its Architecture-Variant is {shown(variant)}, which is no variant of its "
            f"Architecture, {shown(architecture)}; "
            + (f"write one of {', '.join(known)}, or leave it out" if known else "leave it out"),
        )


def _check_stored_names(package: Package, files: set[bytes], findings: Findings) -> None:
    """dpkg keeps what control.tar holds in one folder, each file named after the package too."""
    fields = {name.lower(): value for name, value in package.fields}
    same = fields.get("multi-arch", b"").strip().lower() == b"same"
    qualifier = len(package.architecture) + 1 if same else 0
    longest = maintainer_files.longest_package_name(files, qualifier)
    said = any(each.code == Code.NAME_MALFORMED for each in findings.refusals)
    if longest < len(package.package) and not said:
        findings.add(
            Code.NAME_MALFORMED,
            f"its Package has {len(package.package)} characters, and with the files of its "
            f"control.tar dpkg can take {longest}; make the name shorter",
        )


def _check_shape(fields: control.Fields, findings: Findings) -> None:
    """Two things that Policy allows and dpkg's parser does not."""
    for name, _ in fields:
        if len(name) == 1:
            findings.add(
                Code.CONTROL_MALFORMED,
                f"its control file has a field named {name}; dpkg reads names of two letters up",
            )
    if fields and not fields[-1][1]:
        findings.add(
            Code.CONTROL_MALFORMED,
            f"its control file ends with the empty field {fields[-1][0]}, where dpkg misses a "
            "value; leave it out",
        )


_CHOICES = {
    "Multi-Arch": ("same", "foreign", "allowed", "no"),
    "Essential": ("yes", "no"),
    "Protected": ("yes", "no"),
    # dpkg does not read this one; these are apt's words for it (StringToBool in its strutl.cc).
    "Important": (
        *("yes", "true", "with", "on", "enable", "1"),
        *("no", "false", "without", "off", "disable", "0"),
    ),
}


def _is_phase(value: str) -> bool:
    said = re.match(r"[+-]?[0-9]{1,18}", value)
    return said is None or 0 <= int(said[0]) <= 100


# Fields of an index, dropped from a control file. But dpkg keeps them in its own database, where
# apt reads them as well.
# The last word is whether hosts can live with it: apt does its work all the same.
_KEPT: tuple[tuple[str, Callable[[str], bool], str, bool], ...] = (
    # apt from 2.7 on takes versions of different sums for two (pkgCacheGenerator in its
    # pkgcachegen.cc), and none is the sum of a file that holds it.
    ("SHA256", lambda value: False, "it installs it again and again", True),
    # apt up to 2.6 fails at every command.
    (
        "Description-md5",
        lambda value: len(value) == 32,
        "it fails at one that is not 32 digits",
        False,
    ),
    ("Phased-Update-Percentage", _is_phase, "it warns of one that is not 0 to 100", True),
)


def _check_words(text: dict[str, str], findings: Findings) -> None:
    """Fields that dpkg refuses with other values, and of which apt warns on every host."""
    for field, choices in _CHOICES.items():
        value = text.get(field.lower(), "")
        # dpkg reads all of them in any case, apt all but one.
        word = value if field == "Multi-Arch" else value.lower()
        if word and word not in choices:
            # dpkg does not read the first, and reads the second in any case; apt warns of either.
            lived_with = field == "Important" or value.lower() in choices
            (findings.tolerate if lived_with else findings.add)(
                Code.CONTROL_MALFORMED,
                f"its {field} is {shown(value)}; write one of {', '.join(choices)}",
            )
    if text.get("architecture") == "all" and text.get("multi-arch", "").lower() == "same":
        findings.add(
            Code.CONTROL_MALFORMED,
            "it is Architecture: all and Multi-Arch: same, which dpkg refuses; use foreign",
        )
    for field, fits, wanted, lived_with in _KEPT:
        value = text.get(field.lower(), "")
        if value and not fits(value):
            (findings.tolerate if lived_with else findings.add)(
                Code.CONTROL_MALFORMED,
                f"its {field} is {shown(value)}, which dpkg keeps and apt reads on every host that "
                f"has it installed: {wanted}; leave the field out, the index has its own",
            )
    section = text.get("section", "")
    if len(section) > grammar.LONGEST:
        findings.add(
            Code.CONTROL_MALFORMED,
            f"its Section is {shown(section)}; use at most {grammar.LONGEST}: apt aborts at 65,536",
        )


def _check_relations(text: dict[str, str], findings: Findings) -> None:
    for field in (*grammar.ALTERNATIVES, *grammar.NO_ALTERNATIVES):
        value = text.get(field.lower(), "")
        for part in grammar.bad_relations(value, alternatives=field in grammar.ALTERNATIVES):
            findings.add(
                Code.RELATION_MALFORMED,
                f"its {field} has {shown(part.strip())} where a package, as `foo (>= 1.0)`, must "
                "be; apt would refuse the whole index (Debian Policy 7.1)",
            )
        for part, why in grammar.odd_to_apt(field, value):
            findings.tolerate(
                Code.RELATION_MALFORMED,
                f"its {field} has {shown(part.strip())}: {why} (Debian Policy 7.1)",
            )
        for part, why in grammar.unfit_for_apt(value):
            findings.add(
                Code.RELATION_MALFORMED,
                f"its {field} has {shown(part.strip())}: {why} (Debian Policy 7.1)",
            )
