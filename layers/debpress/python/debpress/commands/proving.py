"""Tries on a deployed press what is claimed of it, one claim after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from debpress import openpgp
from debpress.adapters import aws, verifiers, web
from debpress.commands.bench import Bench
from debpress.doctor.findings import Unseen
from debpress.doctor.hosts import ABSENT
from debpress.errors import DebpressError, SigningError
from debpress.layout import Layout
from debpress.openpgp import certificates
from debpress.proof import packages
from debpress.proof.verdicts import (
    Refusal,
    Verdict,
    broken,
    guard,
    held,
    judged,
    of_aws,
    rising,
    untried,
)
from debpress.records.generation import number
from debpress.records.result import Result
from debpress.store import PreconditionFailed
from debpress.suite.operations import Remove, Rollback

# No object ever has it, so a write upon this condition never takes place, whoever may do it.
_NEVER = "0" * 32
_KILLS = 3


@dataclass(frozen=True, slots=True)
class Proof:
    """`aws` is whether this is AWS and not an emulator. `uri` is where hosts find the root, if that
    is known. `sign` has a text signed by the key, which must be refused; None where no key is in
    KMS."""

    bench: Bench
    aws: bool
    uri: str | None
    sign: Callable[[], object] | None

    def run(self, large: int | None) -> Iterator[Verdict]:
        """Each verdict as it is reached. `large` is the size of a large package, None for none.

        What was published is taken out at the end, however that comes. Raises StoreError,
        TransientError or CorruptError where a claim can't be tried to its end.
        """
        bench = self.bench
        bench.observe()
        try:
            yield from self._published()
            yield from self._conditions()
            yield from self.guards()
            yield self._absent()
            yield from self._rolled_back()
            yield from self._killed()
            yield from self._large(large)
        finally:
            removed = bench.operate(Remove((packages.NAME,)))
        yield _published(
            "A package is removed, and nothing of it is left in the index",
            removed,
            also=bench.listed() == [],
        )
        yield from rising(bench.releases)

    def _published(self) -> Iterator[Verdict]:
        bench = self.bench
        package = bench.small()
        upload = bench.send(package)
        result = bench.wait(upload)
        started = "An upload starts the workflow, and the batch is published"
        yield _published(started, result, f"{bench.took(upload)} after its manifest")
        yield from self._signed()
        pooled = bench.pooled(result)
        yield judged(
            "What hosts fetch is what was uploaded",
            pooled is not None and bench.sha256(pooled) == package.sha256,
            f"SHA-256 {package.sha256[:16]}…",
        )
        yield self._vouched("a copy", pooled is not None and pooled.sha256 == package.sha256)
        before = bench.listed(), bench.generation()
        again = bench.ended(bench.executions.start(bench.executions.input(result.execution)))
        yield judged(
            "An event that is delivered twice changes nothing",
            again == "SUCCEEDED" and before == (bench.listed(), bench.generation()),
            f"the second execution ended as {again}",
        )

    def _vouched(self, what: str, good: bool) -> Verdict:
        detail = "so admission reads a package's control file alone"
        other = "it does not, so admission reads every byte"
        claim = f"S3 vouches for {what} by a SHA-256 of all of it"
        return of_aws(claim, good, detail if good else other, aws=self.aws)

    def _signed(self) -> Iterator[Verdict]:
        claim = "InRelease is signed by the published key"
        archive, suite = self.bench.archive, self.bench.suite
        layout = archive.layout
        names = (layout.key_gpg, layout.inrelease(suite), layout.release(suite))
        found = [archive.read(key) for key in (*names, layout.release_gpg(suite))]
        key, inrelease, text, signature = (each.body if each else b"" for each in found)
        try:
            signed = openpgp.verify_clearsigned(
                inrelease, [each.raw for each in certificates.parse(key)]
            )
            yield held(claim, f"{len(signed)} signature" + "s" * (len(signed) != 1))
            packets = openpgp.dearmor(signature)
        except SigningError as error:
            yield broken(claim, str(error))
            return
        for name in verifiers.NAMES:
            claim = f"{name} accepts the signature"
            try:
                here = verifiers.judge(name, key, packets, text)
            except SigningError as error:
                yield broken(claim, str(error))
            else:
                yield held(claim) if here else untried(claim, f"there is no {name} here")

    def _conditions(self) -> Iterator[Verdict]:
        """On an object beside a manifest that never comes; its lifecycle rule deletes it."""
        store, key = self.bench.store, f"{self.bench.batch().staging}conditions.txt"
        store.put(key, b"1", if_absent=True)
        yield _refused("If-None-Match: *", lambda: store.put(key, b"2", if_absent=True))
        yield _refused("If-Match", lambda: store.put(key, b"2", if_match=_NEVER))

    def guards(self) -> Iterator[Verdict]:
        """Each tries a write that does no harm where nothing refuses it."""
        bench = self.bench
        client, bucket, layout = bench.client, bench.store.bucket, bench.archive.layout
        inrelease, pool = layout.inrelease(bench.suite), layout.pool(ABSENT)

        condition = f'"{_NEVER}"'

        def put(key: str) -> Callable[[], object]:
            return lambda: client.put_object(Bucket=bucket, Key=key, Body=b"", IfMatch=condition)

        def delete() -> object:
            return client.delete_object(Bucket=bucket, Key=pool, IfMatch=condition)

        guards = {
            "Nobody but the committing function flips InRelease": put(inrelease),
            "Nobody but the admitting function fills the pool": put(pool),
            "Nobody but set-up's function writes a rotation": put(Layout.rotation()),
            "Nobody but the reaper deletes from the pool": delete,
        }
        for claim, call in guards.items():
            yield guard(claim, _tried(call), aws=self.aws)
        claim = "Nobody but the signing function signs"
        if self.sign is None:
            yield untried(claim, "no key is in KMS")
        else:
            yield guard(claim, _tried(self.sign), aws=self.aws)

    def _absent(self) -> Verdict:
        claim = "What is not there answers 403 or 404"
        if self.uri is None:
            return untried(claim, "no stack says where hosts read; say --uri")
        answer = web.fetch(Layout(self.uri).pool(ABSENT))
        if isinstance(answer, Unseen):
            return untried(claim, f"{self.uri}: {answer.why}")
        return judged(claim, answer.status in (403, 404), f"{answer.status}, without credentials")

    def _rolled_back(self) -> Iterator[Verdict]:
        bench = self.bench
        before, first = bench.listed(), number(bench.generation())
        result = bench.wait(bench.send(bench.small()))
        after = bench.listed()
        back = bench.operate(Rollback(first))
        yield _published(
            "A rollback brings the content of an earlier generation back",
            back,
            f"that of {first}",
            also=bench.listed() == before,
        )
        forward = bench.operate(Rollback(result.generation or 0))
        yield _published(
            "A rollback goes forward again",
            forward,
            f"to that of {result.generation}",
            also=bench.listed() == after != before,
        )

    def _killed(self) -> Iterator[Verdict]:
        bench, executions = self.bench, self.bench.executions
        whole = "A killed execution leaves the last good release"
        revived = "A killed execution goes on when it is redriven"
        for _ in range(_KILLS):
            before = bench.generation()
            upload = bench.send(bench.small())
            execution = bench.running(upload)
            if execution is not None and executions.stop(execution):
                break
            bench.wait(upload)
        else:
            yield untried(whole, "each execution had ended before it could be stopped")
            yield untried(revived, "none was killed")
            return
        # It may have been killed behind its commit, too.
        yield from self._signed_still(whole, before)
        if executions.redrive(execution):
            yield _published(revived, bench.wait(upload))
        else:
            yield untried(revived, "there is no redrive here")
            executions.start(executions.input(execution))
            again = "A killed execution is made good by one with the same input"
            yield _published(again, bench.wait(upload))

    def _signed_still(self, claim: str, before: str) -> Iterator[Verdict]:
        bad = [each for each in self._signed() if each.outcome == "did not hold"]
        now = number(self.bench.generation())
        detail = bad[0].detail if bad else f"generation {now}, signed and whole"
        yield judged(claim, not bad and now - number(before) in (0, 1), detail)

    def _large(self, size: int | None) -> Iterator[Verdict]:
        claim = "A package of gigabytes is uploaded in parts, and copied inside S3"
        if size is None:
            yield untried(claim, "say --large; it tells first what that costs")
            return
        bench = self.bench
        package = bench.large(size)
        upload = bench.send(package)
        result = bench.wait(upload)
        pooled = bench.pooled(result)
        yield _published(
            claim,
            result,
            f"{package.size} bytes, {bench.took(upload)} after its manifest",
            also=pooled is not None and pooled.size == package.size,
        )
        vouched = pooled is not None and pooled.sha256 == package.sha256
        yield self._vouched("a copy of an upload in parts", vouched)


def _published(claim: str, result: Result, detail: str = "", *, also: bool = True) -> Verdict:
    """Held if the result says `published`, and what else there must be is there."""
    if result.status != "published":
        said = "; ".join(each.message for each in result.errors)
        return broken(claim, f"{result.status}: {said}")
    shown = f"generation {result.generation}" + f", {detail}" * bool(detail)
    return judged(claim, also, shown)


def _refused(condition: str, call: Callable[[], object]) -> Verdict:
    claim = f"S3 refuses a write upon a condition that fails ({condition})"
    try:
        call()
    except PreconditionFailed:
        return held(claim)
    return broken(claim, "it was let through: two publishers could undo each other")


def _tried(call: Callable[[], object]) -> Refusal:
    try:
        with aws.translated("do what must be refused", "nothing"):
            call()
    except DebpressError as error:
        denied = aws.refused(error)
        return Refusal(denied, str(error) if denied else f"AWS's answer is {aws.answer(error)}")
    return Refusal(denied=False)
