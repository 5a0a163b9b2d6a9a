"""Control files, at random from a seed: good ones with a field or two changed into what people
write, and what nobody should."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

_PACKAGES = (
    *("good", "good", "Good", "libc6", "a_b", "x.y", "g++", "0ad", "q" * 200),
    *("-a", "a/b", "a b", "${x}", "\u00e9", ""),
)
_QUALIFIERS = ("", "", "", "", ":any", ":native", ":amd64", ":i386", ":")
_OPERATORS = ("=", "=", ">=", "<=", "<<", ">>", "<", ">", "", "==", "=>", "!=")
_VERSIONS = (
    *("1", "2", "1.0", "1.0-1", "0:1", "00:1", "01:1.0", "1:1", "10:1", "010:1", "1:2:3", "0:1:2"),
    *("1~", "1-0", "0", "9" * 30, "0:1-00", "1.00:1", "2147483648:1", "v1", "1-", "1_0", "1 2", ""),
)
_BLANKS = ("", "", " ", " ", " ", "  ", "\t", "\n ")
_RELATIONS = (
    *("Depends", "Pre-Depends", "Recommends", "Suggests", "Enhances"),
    *("Conflicts", "Breaks", "Replaces", "Provides", "Provides"),
)
_WORDS = {
    "Multi-Arch": ("same", "Same", "foreign", "Foreign", "allowed", "ALLOWED", "no", "No", "yes"),
    "Essential": ("yes", "no", "YES", "true", "1", "0", "maybe"),
    "Protected": ("yes", "No", "false", "y"),
    "Important": ("yes", "no", "YES", "disable", "2"),
    "Build-Essential": ("yes", "no", "perhaps"),
    "Installed-Size": ("12", "0012", "-1", "1 2", "9" * 40, "many", "\n 12", "0x10", "10:1"),
    "Priority": ("optional", "extra", "Optional", "bogus", "no ne"),
    "Section": ("misc", "non-free/games", "s" * 200, "a b", "\n misc"),
    "Source": ("other", "other (1:2.0-1)", "other(1)", "other (01:1)", "Other", "a b"),
    "Origin": ("Somebody", "a, b", "\u00e9"),
    "Bugs": ("debbugs://bugs.example.org", "x"),
    "Tag": ("a::b, c::d", "x"),
    "Task": ("desktop, kde", ""),
    "Homepage": ("https://example.org/?a=b#c", "x" * 5000),
    "Built-Using": ("gcc (= 1)", "x (>= 01:1)", ",,"),
    "Description-md5": ("0" * 32, "zz", "g" * 32, "0" * 33),
    "Phased-Update-Percentage": ("0", "10", "100", "101", "x", "-1", "050"),
    "SHA256": ("0" * 64, "0", "zz"),
    "SHA512": ("0" * 128, "x"),
    "SHA1": ("0" * 40, "x"),
    "MD5sum": ("0" * 32, "x"),
    "Checksum-FileSize": ("5", "x"),
    "Size": ("5", "-1", "x"),
    "Filename": ("../../evil", "x y"),
    "Description-en": ("other words", "a\n b"),
    "Description": ("", "x\n y\n .\n z", "\n x", "na\u00efve", "x\n Package: evil", "x\n\ty"),
    "Version": (*_VERSIONS, "1.0+b1", "1:1.0~rc1", "01:1", "00:2", "0:0"),
    "Architecture": ("amd64", "all", "arm64", "any", "AMD64", "amd64 arm64"),
    "X-Note": ("x", "\x0c", "\x1b[0m", "a\rb", "a\x00b", "# no comment", "a: b", "\n .\n x"),
}


def relation(chance: random.Random) -> str:
    """One relation, as of Depends."""

    def blank() -> str:
        return chance.choice(_BLANKS)

    pick = chance.choice
    text = pick(_PACKAGES[:9] if chance.random() < 0.9 else _PACKAGES) + pick(_QUALIFIERS)
    if chance.random() < 0.35:
        return text
    version = pick(_VERSIONS[:17] if chance.random() < 0.9 else _VERSIONS)
    operator = pick(_OPERATORS[:9] if chance.random() < 0.9 else _OPERATORS)
    return f"{text}{blank()}({blank()}{operator}{blank()}{version}{pick(('', '', '', ' '))})"


def relations(chance: random.Random) -> str:
    text = relation(chance)
    for _ in range(chance.choice((0, 0, 0, 1, 1, 2, 5))):
        text += chance.choice((", ", ", ", ",", ",\n ", " | ", "|")) + relation(chance)
    return text + (chance.choice((",", " |", ", ")) if chance.random() < 0.04 else "")


def _related(chance: random.Random, lines: list[str]) -> None:
    text = "" if chance.random() < 0.05 else relations(chance)
    lines.insert(chance.randrange(3, len(lines)), f"{chance.choice(_RELATIONS)}: {text}")


def _worded(chance: random.Random, lines: list[str]) -> None:
    field = chance.choice(tuple(_WORDS))
    lines[:] = [line for line in lines if not line.startswith(f"{field}:")]
    name = chance.choice((field, field, field, field.lower(), field.upper()))
    text = f"{name}: {chance.choice(_WORDS[field])}"
    lines.insert(chance.randrange(len(lines)), text)


def _bytewise(chance: random.Random, lines: list[str]) -> None:
    at = chance.randrange(1, len(lines))
    place = chance.randrange(len(lines[at]) + 1)
    put = chance.choice(("", ":", " ", "\n", "\n ", "(", ")", ",", "=", "0", "~", "\t", "\r", "#"))
    lines[at] = lines[at][:place] + put + lines[at][place + chance.randrange(2) :]


_CHANGES: tuple[Callable[[random.Random, list[str]], None], ...] = (
    *(_related,) * 5,
    *(_worded,) * 4,
    _bytewise,
)


def mutants(seed: int, count: int) -> Iterator[tuple[str, bytes]]:
    """`count` control files by the names of their packages, each of its own."""
    chance = random.Random(seed)
    for number in range(count):
        name = f"m{number:06}"
        lines = [
            f"Package: {name}",
            "Version: 1.0",
            "Architecture: all",
            "Maintainer: A <a@example.org>",
            "Description: x",
        ]
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            chance.choice(_CHANGES)(chance, lines)
        yield name, "".join(f"{line}\n" for line in lines).encode()
