"""Whatever code and documents cite is there: laws, interleavings, decisions, pages, files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.citations import PACKAGE, Tree

ROOT = Path(__file__).parents[2]
TREE = Tree(ROOT)
# Its samples are to be broken.
CITING = [file for file in TREE.files if file.name != Path(__file__).name]


def test_everything_cited_is_there() -> None:
    wrong = [str(each) for file in CITING for each in TREE.broken(file)]
    assert not wrong, "\n".join(wrong)


def test_nothing_cites_a_document_that_is_not_in_the_repository() -> None:
    wrong = [str(f) for f in CITING if re.search(r"\bDESIGN\b", f.read_text("utf-8", "replace"))]
    assert not wrong


def test_there_is_much_to_resolve() -> None:
    """Should the walk or the patterns miss everything, the tests above would say nothing."""
    names = {str(file.relative_to(ROOT)) for file in CITING}
    assert {"README.md", "Makefile", "app.py", "docs/contract.md", f"{PACKAGE}/layout.py"} <= names
    text = "".join(file.read_text("utf-8", "replace") for file in CITING)
    assert len(re.findall(r"\b[Ll]aws? \d", text)) > 40
    assert len(re.findall(r"\bdocs/\w+\.md", text)) > 40


class TestTheLaws:
    PAGE = (ROOT / "docs/invariants.md").read_text("utf-8")
    SECTIONS = re.split(r"(?m)^## Law \d+$", PAGE)[1:]

    def test_their_numbers_go_on(self) -> None:
        assert TREE.laws == list(range(1, 12))

    @pytest.mark.parametrize("number", range(1, 12))
    def test_each_is_a_sentence_with_who_keeps_it_and_what_proves_it(self, number: int) -> None:
        section = self.SECTIONS[number - 1]
        assert re.match(r"\n\n\*\*[A-Z][^*]+\.\*\*\n\n", section)
        kept = re.findall(r"(?m)^- kept by: (.+)$", section)
        proved = re.findall(r"(?m)^- proved by: (.+)$", section)
        assert (len(kept), len(proved)) == (1, 1)
        keepers, proofs = (re.findall(r"`([^`]+)`", each[0]) for each in (kept, proved))
        assert keepers and all(re.fullmatch(r"[\w/]+\.py::[\w.]+", each) for each in keepers)
        assert proofs
        for proof in proofs:
            assert re.fullmatch(r"tests/[\w/]+\.py(::Test\w+)?::test_\w+", proof), proof


def test_the_interleavings_numbers_go_on() -> None:
    assert TREE.interleavings == list(range(1, len(TREE.interleavings) + 1))
    assert len(TREE.interleavings) >= 34


def test_the_index_of_decisions_is_what_the_records_say() -> None:
    # A number may be taken by somebody who is still writing.
    assert list(TREE.decisions) == sorted(TREE.decisions)
    index = (ROOT / "docs/decisions/README.md").read_text("utf-8")
    rows = re.findall(r"(?m)^\| \[(\d{4})\]\((.+?)\) \| (.+?) \| (.+?) \| (.+?) \|$", index)
    said = []
    for number, file in TREE.decisions.items():
        text = file.read_text("utf-8")
        found = re.match(r"# (\d{4}): (.+)\n\nStatus: (.+), (\d{4}-\d\d-\d\d)\n", text)
        assert found and int(found[1]) == number, file.name
        assert "\n## Alternatives weighed\n" in text, file.name
        said.append((found[1], file.name, *found.groups()[1:]))
    assert rows == said


class TestTheResolver:
    """On a small repository, in which everything can be wrong."""

    @pytest.fixture
    def tree(self, tmp_path: Path) -> Tree:
        files = {
            "docs/invariants.md": "# Laws\n\n## Law 1\n\n## Law 2\n",
            "docs/protocol.md": "# Protocol\n\n## What is left?\n\n1. **A.**\n2. **B.**\n",
            "docs/decisions/0001-first.md": "# 0001: First\n",
            f"{PACKAGE}/index/xz.py": "LIMIT = 1\n\nclass Block:\n    def data(self): ...\n",
        }
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, "utf-8")
        return Tree(tmp_path)

    def resolve(self, tree: Tree, name: str, text: str) -> list[str]:
        file = tree.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        return [each.why for each in tree.broken(file)]

    @pytest.mark.parametrize(
        "text",
        [
            "law 1, laws 1 and 2, Law 2: interleaving 2, interleavings 1 and 2; decision 0001",
            "(0001), 00000042, chunk-00003, since 0001.",
            "docs/protocol.md, docs/decisions/0001, docs/protocol.md#what-is-left, docs/decisions",
            "[a](protocol.md#what-is-left) [b](decisions/0001-first.md) [c](https://a.example/x)",
            "[here](#a-page) `index/xz.py::Block.data` `index/xz.py::LIMIT` `xz.py` `index/`",
            "`layers/<which>/python/debpress/index/xz.py` `staging/<suite>/x` `pool/` `/usr/x`",
            "```\n`gone.py` [a](gone.md)\n```",
            "`layers/gnupg/build/`, made by a build",
        ],
    )
    def test_what_is_there_is_found(self, tree: Tree, text: str) -> None:
        assert self.resolve(tree, "docs/page.md", f"# A page\n\n{text}\n") == []

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("law 3", "docs/invariants.md has no law 3"),
            ("laws 1 and 9", "docs/invariants.md has no law 9"),
            ("Law\n12", "docs/invariants.md has no law 12"),
            ("interleaving 7", "docs/protocol.md has no interleaving 7"),
            ("decision 0002", "docs/decisions has no 0002"),
            ("as (0009) says", "docs/decisions has no 0009"),
            ("docs/gone.md", "docs/gone.md is not there"),
            ("docs/decisions/0003", "docs/decisions/0003 is not there"),
            ("docs/protocol.md#gone", "docs/protocol.md#gone: the page has no such section"),
            ("[a](gone.md)", "gone.md is not there"),
            ("[a](protocol.md#gone)", "protocol.md#gone: the page has no such section"),
            ("[a](#gone)", "#gone: the page has no such section"),
            ("`index/gone.py`", "`index/gone.py`: there is no such file"),
            ("`gone.py`", "`gone.py`: there is no such file"),
            ("`gone/`", "`gone/`: there is no such file"),
            ("`layers/gone/x.lock`", "`layers/gone/x.lock`: there is no such file"),
            ("`index/xz.py::gone`", "`index/xz.py::gone`: it defines no gone"),
            ("`index/xz.py::Block.gone`", "`index/xz.py::Block.gone`: it defines no Block.gone"),
            ("`index/xz.py::Block::gone`", "`index/xz.py::Block::gone`: it defines no Block::gone"),
        ],
    )
    def test_what_is_not_there_is_told(self, tree: Tree, text: str, why: str) -> None:
        assert self.resolve(tree, "docs/page.md", f"# A page\n\n{text}\n") == [why]

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ('"""Keeps law 7."""\n', "docs/invariants.md has no law 7"),
            ("# See gone.py.\n", "there is no gone.py"),
            ('def f():\n    """As in gone.py."""\n', "there is no gone.py"),
            ("# docs/protocol.md#gone\n", "docs/protocol.md#gone: the page has no such section"),
        ],
    )
    def test_in_code_as_well(self, tree: Tree, text: str, why: str) -> None:
        assert self.resolve(tree, "stacks/some.py", text) == [why]

    def test_a_file_that_code_writes_or_reads_is_none_that_it_cites(self, tree: Tree) -> None:
        assert self.resolve(tree, "stacks/some.py", 'NAME = "gone.py"\n') == []

    def test_the_names_of_guards_tests_cite_interleavings(self, tree: Tree) -> None:
        text = "def test_2_without_it(): ...\ndef test_1_9_without_it(): ...\n"
        found = self.resolve(tree, "tests/unit/test_guards.py", text)
        assert found == ["docs/protocol.md has no interleaving 9"]

    def test_the_line_is_told(self, tree: Tree) -> None:
        file = tree.root / "app.py"
        file.write_text("#\n# law 3\n", "utf-8")
        assert [str(each) for each in tree.broken(file)] == [
            "app.py:2: docs/invariants.md has no law 3"
        ]
