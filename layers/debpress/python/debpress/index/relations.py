"""Package relations such as `foo (<< 2.0)`: a package, and which of its versions (Policy 7.1)."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass

from debian.debian_support import Version

from debpress.errors import DebpressError
from debpress.index.entries import Identity

# As dpkg takes it: by Policy, or of a package that was taken as it is published elsewhere.
_NAME = r"[A-Za-z0-9][A-Za-z0-9+._-]*"
_FORM = re.compile(rf"\s*({_NAME})\s*(?:\(\s*(<<|<=|=|>=|>>)\s*([^\s()]+)\s*\)\s*)?")
_TESTS = {
    "<<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">>": operator.gt,
}
_EXACT = re.compile(
    rf"({_NAME})(?::[a-z0-9-]+)?\s*\(\s*=\s*([^\s()]+)\s*\)".encode(), re.IGNORECASE
)
_DEPENDENCIES = re.compile(
    rb"(?mi)^(?:Pre-Depends|Depends):((?:.*(?:\n[ \t].*)*))",
)


@dataclass(frozen=True, slots=True)
class Relation:
    """`operator` and `version` are both None where every version of the package is meant."""

    package: str
    operator: str | None = None
    version: str | None = None

    def __str__(self) -> str:
        return f"{self.package} ({self.operator} {self.version})" if self.operator else self.package

    def matches(self, identity: Identity) -> bool:
        if identity.package != self.package:
            return False
        if self.operator is None or self.version is None:
            return True
        return bool(_TESTS[self.operator](Version(identity.version), Version(self.version)))


def parse(text: str) -> Relation:
    """Reads a relation: a package's name, and at most one version in parentheses. Raises
    DebpressError for any other text."""
    found = _FORM.fullmatch(text)
    if not found:
        raise DebpressError(
            f"{text!r} is no package relation; write a name, or a name and a version as in "
            "'foo (<< 2.0)', with one of << <= = >= >>"
        )
    if found[3] is not None:
        try:
            Version(found[3])
        except ValueError as error:
            raise DebpressError(f"{text!r}: {found[3]!r} is no Debian version") from error
    return Relation(found[1], found[2], found[3])


def exact_dependencies(stanza: bytes) -> set[tuple[str, str]]:
    """The (package, version) pairs that a stanza depends on exactly: `foo (= 1.2)`. Names are in
    lower case, as dpkg reads them."""
    return {
        (name.decode().lower(), version.decode("utf-8", "surrogateescape"))
        for field in _DEPENDENCIES.findall(stanza)
        for name, version in _EXACT.findall(field)
    }
