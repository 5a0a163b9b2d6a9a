"""Architectures and their variants: which index a package is in, and which ones a host reads.

A variant is an architecture for newer processors, with the same ABI: the same `Architecture` field,
and an `Architecture-Variant` beside it. It stands where an architecture stands, in the names of
files and indices, in identities and in records (docs/decisions/0014-architecture-variants.md).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from types import MappingProxyType

# The table that dpkg of Ubuntu brings and apt reads (`varianttable`); a name alone does not tell.
_BASES = MappingProxyType(
    {"amd64v1": "amd64", "amd64v2": "amd64", "amd64v3": "amd64", "amd64v4": "amd64"}
)

# What hosts are of, or have beside their own (`dpkg --add-architecture`), as Debian and Ubuntu
# release them or did. Of one that is missing here, apt tells such a host once an update.
_COMMON = (
    "amd64", "arm64", "armel", "armhf", "i386", "loong64", "mips64el", "mipsel", "powerpc",
    "ppc64", "ppc64el", "riscv64", "s390x", "x32",
)  # fmt: skip


def base_of(name: str) -> str | None:
    """The architecture that `name` is a variant of; None where it is a variant of none."""
    return _BASES.get(name)


def read_by_hosts_of(name: str, among: Collection[str]) -> tuple[str, ...]:
    """The indices that a host of this architecture or variant reads: a variant's and its base's."""
    base = base_of(name)
    return (name,) if base is None or base not in among else (name, base)


def with_variants(names: Iterable[str], among: Iterable[str]) -> tuple[str, ...]:
    """The architectures, and their variants among others: whose hosts read these indices."""
    wanted = set(names)
    others = (each for each in among if base_of(each) in wanted)
    return tuple(dict.fromkeys((*names, *others)))


def common_without(names: Collection[str]) -> tuple[str, ...]:
    """The architectures and variants that hosts may have and that are not among these."""
    return tuple(each for each in (*_COMMON, *_BASES) if each not in names)


def known_variants() -> tuple[str, ...]:
    return tuple(_BASES)
