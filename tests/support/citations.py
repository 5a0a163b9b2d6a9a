"""Resolves what code and documents cite: laws, interleavings, decisions, pages, files, names.

A citation that leads nowhere misleads exactly the reader who needs it, and nothing else notices
when a file is moved or a section renamed.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

PACKAGE = "layers/debpress/python/debpress"
FOLDERS = ("layers", "stacks", "lambdas", "local", "tests", "clients", "docs", ".ci")
# Made by builds and runs, never committed.
_MADE = {"build", "node_modules", "__pycache__", ".venv", ".local", "cdk.out"}
_SUFFIXES = {".py", ".md", ".yml", ".in", ".txt", ".toml", ""}

# Folders of the bucket and of other machines, which documents name as well.
_ELSEWHERE = {"apt", "by-hash", "dist", "dists", "pool", "results", "snapshots", "staging", "state"}

_MANY = r"((?:, | and | or )%s)*"
_LAW = re.compile(r"\b[Ll]aws?\s+\d+" + _MANY % r"\d+")
_INTERLEAVING = re.compile(r"\b[Ii]nterleavings?\s+\d+" + _MANY % r"\d+")
_DECISION = re.compile(r"\b[Dd]ecisions?\s+\d{4}\b" + _MANY % r"\d{4}\b")
_BARE_DECISION = re.compile(r"(?<![\w/.#-])00\d\d(?![\w.-]*\w)")
_GUARD = re.compile(r"def test_(\d+(?:_\d+)*)_")
_PAGE = re.compile(r"(?<![\w/.-])docs/[\w./-]*\w(?:#[a-z0-9][a-z0-9-]*)?")
_MODULE = re.compile(r"(?<![\w/.<*-])[a-z_]+\.py\b")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_QUOTED = re.compile(r"`([^`\n]+)`")
_FENCE = re.compile(r"(?ms)^```.*?^```$")
_HEADING = re.compile(r"(?m)^#+ (.+)$")
_PLACEHOLDER = re.compile(r"<[^<>]*>")


@dataclass(frozen=True)
class Broken:
    """A citation that leads nowhere: where it is, and why."""

    file: str
    line: int
    why: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.why}"


class Tree:
    """A checkout of the repository."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def files(self) -> list[Path]:
        """Everything that may cite, by name."""
        found = [file for file in self.root.iterdir() if file.is_file()]
        for folder in FOLDERS:
            found += (self.root / folder).rglob("*")
        return sorted(
            file
            for file in found
            if file.is_file()
            and not _MADE & set(file.relative_to(self.root).parts)
            and file.suffix in _SUFFIXES
        )

    def broken(self, file: Path) -> Iterator[Broken]:
        """What a file cites and is not there."""
        try:
            text = file.read_text("utf-8")
        except UnicodeDecodeError:
            return
        name = str(file.relative_to(self.root))
        wrong = [*self._numbers(name, text), *self._pages(text)]
        if file.suffix == ".md":
            wrong += self._document(file, text)
        if file.suffix == ".py":
            wrong += self._modules(text)
        places = {(text.count("\n", 0, position) + 1, why) for position, why in wrong}
        for line, why in sorted(places):
            yield Broken(name, line, why)

    # What there is

    @cached_property
    def _file_names(self) -> set[str]:
        return {file.name for file in self.files}

    @cached_property
    def laws(self) -> list[int]:
        page = self._read("docs/invariants.md")
        return [int(number) for number in re.findall(r"(?m)^## Law (\d+)$", page)]

    @cached_property
    def interleavings(self) -> list[int]:
        page = self._read("docs/protocol.md")
        return [int(number) for number in re.findall(r"(?m)^(\d+)\. \*\*", page)]

    @cached_property
    def decisions(self) -> dict[int, Path]:
        folder = self.root / "docs/decisions"
        return {int(file.name[:4]): file for file in sorted(folder.glob("[0-9]*.md"))}

    def sections(self, page: Path) -> set[str]:
        """The anchors of a page, as GitHub makes them of its headings."""
        headings = _HEADING.findall(_FENCE.sub("", page.read_text("utf-8")))
        return {_anchor(heading) for heading in headings}

    def defines(self, module: Path, name: str) -> bool:
        """Whether a module defines a function, a class, a constant, or one of these in a class."""
        body: Iterable[ast.stmt] = ast.parse(module.read_text("utf-8")).body
        for part in re.split(r"::|\.", name):
            found = [each for each in body if part in _names(each)]
            if not found:
                return False
            body = getattr(found[0], "body", ())
        return True

    # What is cited

    def _numbers(self, name: str, text: str) -> Iterator[tuple[int, str]]:
        kinds: list[tuple[re.Pattern[str], Iterable[int], str]] = [
            (_LAW, self.laws, "docs/invariants.md has no law"),
            (_INTERLEAVING, self.interleavings, "docs/protocol.md has no interleaving"),
            (_DECISION, self.decisions, "docs/decisions has no"),
        ]
        if name.endswith("test_guards.py"):
            kinds.append((_GUARD, self.interleavings, "docs/protocol.md has no interleaving"))
        if name.endswith(".md"):
            kinds.append((_BARE_DECISION, self.decisions, "docs/decisions has no"))
        for pattern, known, none in kinds:
            for found in pattern.finditer(text):
                for number in re.findall(r"\d+", found[0]):
                    if int(number) not in known:
                        yield found.start(), f"{none} {number}"

    def _pages(self, text: str) -> Iterator[tuple[int, str]]:
        for found in _PAGE.finditer(text):
            path, _, section = found[0].partition("#")
            # `docs/decisions/0005` is short for the one file of that number.
            matches = [self.root / path, *self.root.glob(f"{path}-*.md")]
            yield from self._missing(found.start(), found[0], matches, section)

    def _document(self, file: Path, text: str) -> Iterator[tuple[int, str]]:
        prose = _FENCE.sub(lambda fence: re.sub(r"[^\n]", " ", fence[0]), text)
        for found in _LINK.finditer(prose):
            path, _, section = found[1].partition("#")
            if ":" not in path:
                target = file.parent / path if path else file
                yield from self._missing(found.start(), found[1], [target], section)
        for found in _QUOTED.finditer(prose):
            path, _, name = found[1].partition("::")
            if self._is_path(path):
                why = self._unresolved(file, path, name)
                if why:
                    yield found.start(), f"`{found[1]}`: {why}"

    def _modules(self, text: str) -> Iterator[tuple[int, str]]:
        """`see xz.py`, in a comment or a docstring."""
        for position, words in _said(text):
            for found in _MODULE.finditer(words):
                if found[0] not in self._file_names:
                    yield position + found.start(), f"there is no {found[0]}"

    def _missing(
        self, position: int, said: str, matches: list[Path], section: str
    ) -> Iterator[tuple[int, str]]:
        there = next((match for match in matches if match.exists()), None)
        if there is None:
            yield position, f"{said} is not there"
        elif section and (there.suffix != ".md" or section not in self.sections(there)):
            yield position, f"{said}: the page has no such section"

    def _is_path(self, path: str) -> bool:
        """Whether words in backquotes mean a file or folder of the repository."""
        if re.search(r"[\s\"'$…(){}|=]", path) or path.startswith(("/", "<", "*", "-", "~")):
            return False
        first, slash, _ = path.partition("/")
        if path.endswith(".py"):
            return True
        if not slash or first in _ELSEWHERE or first in _MADE:
            return False
        own = {each.name for each in (self.root, self.root / PACKAGE) for each in each.iterdir()}
        return first in own or re.fullmatch(r"[a-z_]+/", path) is not None

    def _unresolved(self, file: Path, path: str, name: str) -> str | None:
        """Why a path, or a name in it, is not there."""
        if _MADE & set(path.split("/")):
            return None
        pattern = _PLACEHOLDER.sub("*", path).rstrip("/")
        bases = [self.root, self.root / PACKAGE, self.root / "docs", file.parent]
        found = [match for base in bases for match in base.glob(pattern)]
        if "/" not in path:
            found += [each for each in self.files if each.name == path]
        if not found:
            return "there is no such file"
        if name and not any(self.defines(match, name) for match in found if match.suffix == ".py"):
            return f"it defines no {name}"
        return None

    def _read(self, path: str) -> str:
        return (self.root / path).read_text("utf-8")


def _said(source: str) -> Iterator[tuple[int, str]]:
    """The comments and docstrings of a module, each with where it begins."""
    starts = [0, *(newline.end() for newline in re.finditer("\n", source))]
    previous = tokenize.NEWLINE
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        is_docstring = token.type == tokenize.STRING and previous in _BEFORE_DOCSTRINGS
        if is_docstring or token.type == tokenize.COMMENT:
            yield starts[token.start[0] - 1] + token.start[1], token.string
        if token.type not in (tokenize.COMMENT, tokenize.NL):
            previous = token.type


_BEFORE_DOCSTRINGS = (tokenize.NEWLINE, tokenize.INDENT)


def _names(statement: ast.stmt) -> set[str]:
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return {statement.name}
        case ast.Assign():
            return {each.id for each in statement.targets if isinstance(each, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
    return set()


def _anchor(heading: str) -> str:
    words = re.sub(r"[^\w\s-]", "", _LINK.sub(lambda link: link[0], heading).lower())
    return words.strip().replace(" ", "-")
