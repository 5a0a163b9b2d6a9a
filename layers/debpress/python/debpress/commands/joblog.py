"""What a job's log shows beside plain lines: parts that fold, and errors where people look.

GitHub Actions and GitLab each know commands within a log (GitHub's documentation, "Workflow
commands"; GitLab's, "Custom collapsible sections"). Elsewhere these functions print plain lines.
clients/upload-debs.sh does the same.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from debpress import codec
from debpress.commands import text
from debpress.commands.gathering import Gathered
from debpress.records.result import Result


@contextmanager
def section(name: str, title: str, stream: TextIO) -> Iterator[None]:
    """A part of the log under a title; `name` is for GitLab, lower-case. What is printed within it
    goes to the same stream, or the two would be mixed up."""
    title = text.printable(title)
    if _is("GITHUB_ACTIONS"):
        begin, end = f"::group::{title}", "::endgroup::"
    elif _is("GITLAB_CI"):
        # GitLab shows how long it took, from the times in the two.
        begin = f"\033[0Ksection_start:{{time}}:{name}\r\033[0K{title}"
        end = f"\033[0Ksection_end:{{time}}:{name}\r\033[0K"
    else:
        begin, end = title, ""
    _mark(begin, stream)
    try:
        yield
    finally:
        _mark(end, stream)


def _mark(mark: str, stream: TextIO) -> None:
    if mark:
        print(mark.replace("{time}", str(int(time.time()))), file=stream, flush=True)


def annotate(title: str, message: str, file: str = "") -> None:
    """On GitHub, an error on the page of the run; `file` is a path of the checkout."""
    if _is("GITHUB_ACTIONS"):
        where = f"file={_property(file)}," if file else ""
        shown = _data(text.printable(message))
        print(f"::error {where}title={_property(title)}::{shown}", file=sys.stderr, flush=True)


def print_gathered(gathered: Gathered) -> None:
    """Prints on stderr what is left out and what is wrong."""
    for note in gathered.notes:
        print(text.printable(note), file=sys.stderr)
    print_errors([refusal.as_json() for refusal in gathered.refusals])


def print_errors(errors: Iterable[Mapping[str, str]], paths: Sequence[Path] = ()) -> None:
    """Prints a line on stderr for each error, and annotates it. `paths` are the files' on this
    machine, of which a result knows the last part alone."""
    known = {path.name: str(path) for path in paths}
    for error in errors:
        file = error.get("file", "")
        annotate(f"{file}: {error.get('code', '?')}", error.get("message", "?"),
                 known.get(file, file))  # fmt: skip
        text.print_errors([error])


def report(result: Result, suites: Sequence[str]) -> None:
    """Prints on stdout what became of a batch for `suites`, but for its errors."""
    with section("result", text.outcome(result), sys.stdout):
        text.print_details(result, suites)
        if line := _install(result):
            print(f"On hosts of {' and '.join(suites)}:\n  {line}")


def _install(result: Result) -> str | None:
    """The line that installs what was published; None where there is nothing."""
    wanted = dict.fromkeys(f"{p.package}={p.version}" for p in result.packages)
    if result.status != "published" or not wanted:
        return None
    return f"sudo apt-get update && sudo apt-get install {' '.join(wanted)}"


def summarise(result: Result, suites: Sequence[str]) -> None:
    """On GitHub, for the page of the run: what was published in `suites`, and for each the line
    that installs it; or what is wrong."""
    _append(_summary(result, suites))


def summarise_errors(errors: Iterable[Mapping[str, str]], places: Sequence[str]) -> None:
    """On GitHub, for the page of the run: what was wrong, so that nothing was sent to `places`."""
    _append(_wrong(f"Not published to {', '.join(places)}: not sent", map(text.error, errors)))


def summarise_end(message: str, places: Sequence[str]) -> None:
    """On GitHub, for the page of the run: why it is not known what became of an upload, or that
    none was."""
    title = f"The upload to {', '.join(places)} ended with an error"
    _append(_wrong(title, [text.printable(message)]))


def _append(summary: str) -> None:
    if place := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(place).open("a", encoding="utf-8") as page:
                page.write(summary)
        except OSError as error:
            # What was published is published all the same.
            said = f"note: the run's page gets no summary: {place}: {error.strerror}"
            print(text.printable(said), file=sys.stderr)


def _summary(result: Result, suites: Sequence[str]) -> str:
    component = result.batch.component
    places = ", ".join(f"{suite}/{component}" for suite in suites)
    if result.status != "published":
        lines = [text.error(codec.encode(each)) for each in result.errors]
        return _wrong(f"Not published to {places}: {text.printable(result.status)}", lines)
    generations = {each.suite: each.generation for each in result.suites or ()}
    rows = "".join(
        f"| {p.action} | {p.package} | {p.version} | {p.architecture} |\n" for p in result.packages
    )
    said = f"### Published to {places}\n\n| | package | version | architecture |\n"
    said += f"|---|---|---|---|\n{rows}"
    for suite in suites:
        number = generations.get(suite, result.generation)
        said += f"\n{suite}, generation {number}:\n\n```sh\n{_install(result) or ''}\n```\n"
    return said


def _wrong(title: str, lines: Iterable[str]) -> str:
    return f"### {title}\n\n{''.join(f'- {_plain(line)}{chr(10)}' for line in lines)}"


def _plain(line: str) -> str:
    """With nothing in it that Markdown takes for its own."""
    return re.sub(r"([\\`*_<>\[\]&~|#])", r"\\\1", line)


def _is(variable: str) -> bool:
    """Whether the job runs there: both set `true`."""
    return os.environ.get(variable) == "true"


def _data(value: str) -> str:
    """A workflow command ends with its line, and has escapes of its own (`command.ts` in GitHub's
    toolkit)."""
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(text.printable(value)).replace(":", "%3A").replace(",", "%2C")
