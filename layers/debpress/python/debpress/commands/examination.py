"""Gathers the facts of a deployed press, area by area, and has each of them judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

import debpress
from debpress import guards
from debpress.adapters import aws, bucket_settings, web
from debpress.adapters.deployed import Deployed
from debpress.adapters.s3 import S3Store
from debpress.archive import Archive
from debpress.archive.configuration import read_configuration
from debpress.clock import Clock
from debpress.commands.replica_examination import examined
from debpress.concurrency import side_by_side
from debpress.config import Repository
from debpress.doctor import (
    backlog,
    bucket,
    capacity,
    clocks,
    functions,
    hosts,
    keys,
    policies,
    releases,
    schedules,
    stacks,
    versions,
)
from debpress.doctor.deployment import Deployment
from debpress.doctor.findings import Finding, Unseen, ok, unseen
from debpress.doctor.template import Resource
from debpress.errors import DebpressError, StoreError
from debpress.inspection import reading, suites
from debpress.keys.standing import standing
from debpress.layout import Layout

_T = TypeVar("_T")


class Examination:
    """Of a press. `uri` is where hosts find the root; None: where the stack says."""

    def __init__(
        self,
        deployed: Deployed,
        s3: Any,
        bucket_name: str,
        press: stacks.Press,
        clock: Clock,
        uri: str | None = None,
    ) -> None:
        self._deployed = deployed
        self._s3 = s3
        self._store = S3Store(s3, bucket_name)
        self._name = press.name
        self._names = press.stacks
        self._clock = clock
        self._uri = uri

    def areas(self) -> Iterator[tuple[str, list[Finding]]]:
        """The findings of each area, with its title, in the order in which a person would look."""
        found, deployment = self._stacks()
        yield "Stacks", found
        repository = _seen(lambda: read_configuration(self._store))
        layout = repository.layout if isinstance(repository, Repository) else Layout()
        yield "Bucket", self._bucket(deployment, layout)
        if isinstance(repository, Unseen):
            yield "Repository", [unseen("configuration", Layout.repository(), repository)]
            return
        archive = Archive(self._store, layout, self._clock)
        yield "Keys", list(self._keys(deployment, archive, repository))
        yield "What runs by itself", self._running(deployment)
        yield "What did not come through", self._backlog(deployment)
        now = self._s3_clock()
        at = self._clock.now() if isinstance(now, Unseen) else now
        yield "Suites", self._suites(deployment, archive, repository, at)
        replica = _seen(
            lambda: examined(self._deployed, self._name, deployment, archive, repository, at)
        )
        if isinstance(replica, Unseen):
            replica = [unseen("replica", "the bucket that follows", replica)]
        yield "Replica", replica
        limits = capacity.check(self._deployed.capacity(_memory(deployment)))
        yield "Limits and clocks", [*limits, clocks.check(self._clock.now(), now)]
        yield "What hosts see", list(self._hosts(deployment, repository, at))

    def _stacks(self) -> tuple[list[Finding], Deployment]:
        there = {name: self._deployed.stack(name) for name in self._names}
        found = list(stacks.check(there, self._deployed.region))
        exports = self._deployed.exports()
        if isinstance(exports, Unseen):
            found.append(unseen("stacks", "what stacks export", exports))
            exports = {}
        whole = []
        for name, stack in there.items():
            if stack is None or isinstance(stack, Unseen):
                continue
            resources = self._deployed.resources(name)
            if isinstance(resources, Unseen):
                found.append(unseen("stacks", f"the template of {name}", resources))
                resources = ()
            whole.append(replace(stack, resources=resources, exports=exports))
        deployment = Deployment(tuple(whole))
        said = {f"the stack {s.name}": s.outputs.get("Version") for s in whole}
        if deployment.functions_there:
            said["the functions' layer"] = deployment.version()
        return [*found, *versions.check(debpress.__version__, said)], deployment

    def _role(self, step: str) -> str:
        """The ARN of a step's role, which follows from the press's name."""
        role = guards.role_name(self._name, step, self._deployed.region)
        return guards.role_arn(role, self._deployed.account, self._deployed.partition)

    def _bucket(self, deployment: Deployment, layout: Layout) -> list[Finding]:
        name, about = self._store.bucket, "bucket policy"
        properties = _seen(lambda: deployment.bucket(name))
        facts = bucket_settings.settings(self._s3, name)
        found = bucket.check(facts, None if isinstance(properties, Unseen) else properties, layout)
        wanted = _seen(lambda: deployment.bucket_policy(name))
        if isinstance(wanted, Unseen):
            return [*found, unseen(about, "what the template wants", wanted)]
        if wanted is None:
            # Of a bucket that no template has; who reads it is its owner's to say.
            wanted = guards.bucket(
                f"arn:{self._deployed.partition}:s3:::{name}", layout, self._role
            )
        return [*found, *policies.check(about, wanted, bucket_settings.policy(self._s3, name))]

    def _keys(
        self, deployment: Deployment, archive: Archive, repository: Repository
    ) -> Iterator[Finding]:
        signing = _seen(lambda: standing(archive, repository.signers).published)
        wanted = _seen(lambda: dict(deployment.key_policies()))
        if isinstance(signing, Unseen):
            yield unseen("keys", "which keys sign", signing)
            signing = []
        if isinstance(wanted, Unseen):
            yield unseen("keys", "the policies that templates want", wanted)
            wanted = {}
        for each in signing:
            if each.uri.startswith("awskms:"):
                facts = keys.KeyFacts(
                    uri=each.uri,
                    arn=each.key,
                    fingerprint=each.certificate.fingerprint,
                    state=self._deployed.key_state(each.key),
                    policy=self._deployed.key_policy(each.key),
                )
                yield from keys.check(facts, self._role("sign"), wanted.pop(each.key, None))
        # What is left encrypts.
        for arn, statements in wanted.items():
            yield from policies.check(keys.about(arn), statements, self._deployed.key_policy(arn))

    def _running(self, deployment: Deployment) -> list[Finding]:
        ask = self._deployed
        wanted = list(deployment.of("AWS::Scheduler::Schedule"))
        rules = deployment.of("AWS::Events::Rule")
        triggers = [
            *side_by_side(lambda each: ask.schedule(*_schedule(each[1])), wanted),
            *(ask.rule(str(each.id), _purpose(each)) for _, each in rules),
        ]
        shapes = _seen(lambda: list(deployment.functions()))
        if isinstance(shapes, Unseen):
            return [*schedules.check(triggers), unseen("functions", "their templates", shapes)]
        there = side_by_side(lambda each: ask.function(*each), shapes)
        return [*schedules.check(triggers), *(functions.check(there) if there else ())]

    def _backlog(self, deployment: Deployment) -> list[Finding]:
        queues = deployment.ids("AWS::SQS::Queue")
        counts = dict(zip(queues, side_by_side(self._deployed.messages, queues), strict=True))
        found = list(backlog.check_letters(counts))
        for machine in deployment.ids("AWS::StepFunctions::StateMachine"):
            failed = self._deployed.ended_badly(machine)
            found += backlog.check_executions(failed, self._clock.now())
        if names := deployment.ids("AWS::CloudWatch::Alarm"):
            found += backlog.check_alarms(names, self._deployed.alarms(names))
        return found

    def _suites(
        self, deployment: Deployment, archive: Archive, repository: Repository, now: datetime
    ) -> list[Finding]:
        since = deployment.since()
        found: list[Finding] = []
        living = _seen(lambda: suites.there(archive, repository))
        if isinstance(living, Unseen):
            found.append(unseen("suites", "which suites of patterns there are", living))
            living = list(repository.suites)
        for suite in living:
            found.append(_release(archive, suite.suite, now))
            # One of a pattern may be younger than the last prune.
            if since is not None and suite.life is None:
                last = _seen(lambda s=suite: releases.last_prune(archive, s))  # type: ignore[misc]
                found.append(releases.check_prune(suite.suite, last, since, now))
        rooms = _seen(lambda: suites.rooms(archive, repository))
        if not isinstance(rooms, Unseen):
            found += [
                releases.check_room(each.pattern, each.suites, each.at_most) for each in rooms
            ]
        reaper = deployment.function("reap")
        if since is not None and reaper is not None:
            calls = self._deployed.calls(str(reaper[1].id), now)
            reports = _seen(lambda: [h.last_modified for h in archive.list(Layout.reap_report())])
            reported = reports if isinstance(reports, Unseen) else max(reports, default=None)
            found.append(releases.check_reaper(calls, reported, since, now))
        return found

    def _hosts(
        self, deployment: Deployment, repository: Repository, now: datetime
    ) -> Iterator[Finding]:
        names = [each.suite for each in repository.suites]
        uri = self._uri or deployment.output("Uri")
        if uri is not None:
            view = hosts.look(web.fetch, uri, names)
            if not view.closed:
                yield from hosts.check(view, now)
            else:
                yield hosts.closed(view)
            if isinstance(view.key, hosts.Answer) and not view.closed:
                return
        address = f"s3://{self._store.bucket}/{repository.root}"
        yield ok("hosts", f"read with your credentials from {address}:")
        yield from hosts.check(hosts.look(self._read, address, names), now)

    def _read(self, uri: str) -> hosts.Answer | Unseen:
        """An object of the bucket, with the credentials that there are."""
        try:
            found = self._store.get(uri.removeprefix(f"s3://{self._store.bucket}/"))
        except StoreError as error:
            return hosts.Answer(403) if aws.refused(error) else Unseen(str(error))
        except DebpressError as error:
            return Unseen(str(error))
        return hosts.Answer(404) if found is None else hosts.Answer(200, found.body)

    def _s3_clock(self) -> datetime | Unseen:
        answer = _seen(lambda: self._store.now(Layout.repository()))
        return Unseen("S3 tells no time") if answer is None else answer


def _seen(call: Callable[[], _T]) -> _T | Unseen:
    try:
        return call()
    except DebpressError as error:
        return Unseen(str(error))


def _memory(deployment: Deployment) -> int:
    sizes = [e.properties.get("MemorySize", 128) for _, e in deployment.of("AWS::Lambda::Function")]
    return max(sizes, default=0)


def _purpose(resource: Resource) -> str:
    """What the template says a schedule is for, behind the name of the press."""
    return str(resource.properties.get("Description", "")).partition(": ")[2]


def _schedule(resource: Resource) -> tuple[str, str, str]:
    return str(resource.id), _purpose(resource), str(resource.properties["ScheduleExpression"])


def _release(archive: Archive, suite: str, now: datetime) -> Finding:
    found = _seen(lambda: reading.published(archive, suite)[1])
    if isinstance(found, Unseen):
        return unseen(suite, "its InRelease", found)
    return releases.check_release(suite, found.release, found.last_modified, now)
