"""admit: validate packages and put them into the pool, where nothing names them yet."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from debpress.archive.taking import is_small, take
from debpress.concurrency import side_by_side
from debpress.errors import Code, Refusal, RejectedError
from debpress.index.sorting import Sorter
from debpress.records.batch import AdmittedPackage, Plan, StagedFile, Verdict, bounded, problems
from debpress.records.messages.admit import AdmitInput, AdmitOutput
from debpress.steps.services import Services
from debpress.store import ObjectChanged
from debpress.suite import admission as rules

# Bytes of stanzas in a chunk's verdict. A queue entry holds those of the whole batch, and a merge
# has all entries of its suite in memory. An ordinary package's stanza takes 1 KB.
_MOST_SAID = 8 * 1024 * 1024
_MOST_ERRORS = 1000

# Files of up to so many bytes are validated sixteen at a time. Of larger ones a few are: each holds
# up to 32 MiB, and what it takes to unpack them.
_LITTLE = 1024 * 1024
_FEW = 4


def run(services: Services, message: AdmitInput) -> AdmitOutput:
    """Validates the files of one chunk, copies them into the pool, and notes the verdict: the
    packages and every error."""
    runs = services.archive.runs(message.suite)
    plan = runs.plan(message.run)
    settings = services.repository.suite(message.suite)
    if settings is None:
        text = f"suite {message.suite!r} is not configured"
        raise RejectedError([Refusal("", Code.SUITE_UNKNOWN, text)])
    first, end = plan.chunks[message.chunk]
    numbers = range(first, end)
    if settings.provenance is None:
        packages, refusals = _Admission(services, plan).of(numbers)
    else:
        from debpress.steps.proving import proven  # noqa: PLC0415 (of few suites)

        admit = lambda plan: _Admission(services, plan).of(numbers)  # noqa: E731
        packages, refusals = proven(services, settings.provenance, plan, numbers, admit)
    errors = bounded(problems(refusals), _MOST_ERRORS)
    verdict = Verdict(tuple(packages), errors, plan if len(plan.chunks) == 1 else None)
    runs.keep_verdict(message.run, message.chunk, verdict)
    return AdmitOutput(message.chunk)


class _Admission:
    """Of some files of a plan, by their numbers in it, side by side."""

    def __init__(self, services: Services, plan: Plan) -> None:
        self._services = services
        self._plan = plan
        self._large = threading.Semaphore(_FEW)
        self._said = 0
        self._lock = threading.Lock()

    def of(self, numbers: Sequence[int]) -> tuple[list[AdmittedPackage], list[Refusal]]:
        """The packages and all that is wrong with the others, in the files' order."""
        found = side_by_side(self._one, numbers)
        replaced = self._replaced() if any(isinstance(f, AdmittedPackage) for f in found) else ()
        packages: list[AdmittedPackage] = []
        refusals: list[Refusal] = []
        for number, each in zip(numbers, found, strict=True):
            file = self._plan.files[number]
            if not isinstance(each, AdmittedPackage):
                refusals += each
            elif file.name in replaced:
                refusals.append(rules.changed(file))
            else:
                packages.append(each)
        return packages, refusals

    def _one(self, number: int) -> AdmittedPackage | list[Refusal]:
        file = self._plan.files[number]
        try:
            if file.size <= _LITTLE:
                return self._admit(number, file)
            with self._large:
                return self._admit(number, file)
        except RejectedError as error:
            return list(error.refusals)
        except ObjectChanged:
            return [rules.changed(file)]

    def _admit(self, number: int, file: StagedFile) -> AdmittedPackage:
        plan, services = self._plan, self._services
        layout, suites = services.repository.layout, rules.suites_of(plan)
        key = plan.batch.staging + file.name
        place = layout.incoming(plan.batch.suite, plan.run, number)
        small = is_small(file.size, services.repository.inspected(suites))
        taken = take(services.store, key, file, place, small=small)
        sha256 = taken.sha256
        paths = Sorter() if services.repository.lists_files(suites) else None
        tell = paths.add if paths else None
        package = rules.inspected(taken, services.repository, plan, file, tell)
        filename = rules.filename_of(plan.batch.component, package, sha256)
        found = rules.admitted(file, package, filename, sha256)
        self._make_room(file, found)
        # A batch that is rejected already need not fill the pool.
        pool = services.archive.pool
        if not (plan.errors or pool.fill(taken.pin, filename, file.size, sha256, paths)):
            raise RejectedError([rules.alike(file)])
        return found

    def _make_room(self, file: StagedFile, package: AdmittedPackage) -> None:
        """Raises RejectedError where the verdict would say too much; which file is one too many is
        a matter of who came first."""
        with self._lock:
            self._said += len(package.stanza)
            if self._said > _MOST_SAID:
                raise RejectedError([rules.too_wordy(file, _MOST_SAID)])

    def _replaced(self) -> set[str]:
        """Files that are no more what was admitted, of which CI is told: what is published is what
        was read. One list, however many files there are."""
        there = {each.name: each.etag for each in self._services.archive.staged(self._plan.batch)}
        return {file.name for file in self._plan.files if there.get(file.name) != file.etag}
