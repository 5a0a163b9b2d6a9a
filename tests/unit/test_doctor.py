"""What `debpress doctor` notices: each check over facts, and over the template that is deployed."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from debpress import guards
from debpress.adapters.deployed import Deployed
from debpress.commands import doctor
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
    replica,
    schedules,
    stacks,
    versions,
)
from debpress.doctor.deployment import Deployment
from debpress.doctor.findings import Finding, Level, Unseen
from debpress.doctor.template import Resource, Stack, UnresolvedError
from debpress.index import release as release_file
from debpress.layout import Layout
from debpress.store import Head, Object

from stacks import names
from tests.support import templates
from tests.support.press import Press, debs

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
NAME = "a-bucket"
KEY = "arn:aws:kms:eu-central-1:111122223333:key/1234"
ROLE = "arn:aws:iam::111122223333:role/debpress-sign-eu-central-1"
ARN = "arn:aws:cloudformation:eu-central-1:111122223333:stack/debpress/1"
REFUSED = Unseen("AWS refused", "some:Action")
OK, WARNING, WRONG = Level


def deployed(name: str, template: templates.Template, **more: Any) -> Stack:
    """The stack as CloudFormation would have made it of the template."""
    resources = tuple(
        Resource(
            name,
            each["Type"],
            NAME if each["Type"] == "AWS::S3::Bucket" else f"id-of-{name}",
            each.get("Properties", {}),
        )
        for name, each in template.data["Resources"].items()
    )
    return Stack(name, ARN, "CREATE_COMPLETE", NOW, True, resources, **more)


@pytest.fixture(scope="module")
def deployment() -> Deployment:
    both = templates.synthesise()
    archive = deployed("debpress-archive", both.archive)
    outputs = both.archive.data["Outputs"].values()
    exports = {o["Export"]["Name"]: archive.resolve(o["Value"]) for o in outputs if "Export" in o}
    given = {name: KEY for name in both.press.data["Parameters"] if name.endswith("KeyArn")}
    press = deployed("debpress-press", both.press, exports=exports, parameters=given)
    return Deployment((archive, press))


def levels(findings: Any) -> list[Level]:
    return [each.level for each in findings]


def said(findings: Any) -> str:
    return "\n".join(
        f"{f.level}: {f.about}: {f.message} -> {f.remedy} {f.command}" for f in findings
    )


class TestTheTemplate:
    def stack(self, **properties: Any) -> Stack:
        return Stack(
            "debpress",
            ARN,
            "CREATE_COMPLETE",
            NOW,
            True,
            (Resource("Role", "AWS::IAM::Role", "signer", {"Path": "/x/"}),
             Resource("Never", "AWS::IAM::Role", None, {})),
            parameters={"Given": "value"},
            exports={"other:Bucket": "theirs"},
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("value", "meant"),
        [
            ({"Ref": "Role"}, "signer"),
            ({"Ref": "Given"}, "value"),
            ({"Ref": "AWS::Region"}, "eu-central-1"),
            ({"Fn::GetAtt": ["Role", "Arn"]}, "arn:aws:iam::111122223333:role/x/signer"),
            ({"Fn::Join": ["", ["a/", {"Ref": "AWS::AccountId"}]]}, "a/111122223333"),
            ({"Fn::Sub": "${AWS::Partition}:${Role.Arn}:${!Not}"},
             "aws:arn:aws:iam::111122223333:role/x/signer:${Not}"),
            ({"Fn::Sub": ["${A}-${Role}", {"A": {"Ref": "Given"}}]}, "value-signer"),
            ({"Fn::Select": [1, {"Fn::Split": ["-", "a-b"]}]}, "b"),
            ({"Fn::ImportValue": {"Fn::Sub": "other:Bucket"}}, "theirs"),
            ({"a": {"Ref": "AWS::NoValue"}, "b": [{"Ref": "AWS::NoValue"}, 1]}, {"b": [1]}),
            ({"Null": {"s3:if-match": "true"}}, {"Null": {"s3:if-match": "true"}}),
        ],
    )  # fmt: skip
    def test_its_functions_stand_for_what_was_made(self, value: Any, meant: Any) -> None:
        assert self.stack().resolve(value) == meant

    @pytest.mark.parametrize(
        "value",
        [
            {"Ref": "Nobody"},
            {"Ref": "Never"},
            {"Fn::GetAtt": ["Role", "RoleId"]},
            {"Fn::ImportValue": "unknown"},
            {"Fn::Transform": {}},
        ],
    )
    def test_what_it_can_t_tell_it_says(self, value: Any) -> None:
        with pytest.raises(UnresolvedError):
            self.stack().resolve(value)


class TestStatements:
    def test_the_bucket_s_are_all_told_from_the_template(self, deployment: Deployment) -> None:
        wanted = deployment.bucket_policy(NAME)
        assert wanted is not None
        assert {each.get("Sid") for each in wanted} >= {
            "OnlyTheCommitterFlips", "AFlipIsConditional", "OnlyTheReaperDeletes",
            "OnlyAdmissionFillsThePool",
        }  # fmt: skip
        assert NAME in json.dumps(wanted) and "Fn::" not in json.dumps(wanted)
        assert levels(policies.check("bucket policy", wanted, wanted)) == [OK]

    def test_the_order_and_the_spelling_are_the_service_s_own(self, deployment: Deployment) -> None:
        wanted = deployment.bucket_policy(NAME) or []
        there = [_respelled(each) for each in reversed(wanted)]
        assert there != wanted
        assert levels(policies.check("bucket policy", wanted, there)) == [OK]

    def test_each_that_is_taken_out_is_missed(self, deployment: Deployment) -> None:
        wanted = deployment.bucket_policy(NAME) or []
        for index, each in enumerate(wanted):
            there = wanted[:index] + wanted[index + 1 :]
            [found] = policies.check("bucket policy", wanted, there)
            assert found.level is WRONG and found.message.startswith("missing: ")
            assert policies.described(policies.canonical(each)) in found.message
            assert "--revert-drift" in found.command and "docs/runbook.md#" in found.remedy

    @pytest.mark.parametrize(
        "change",
        [
            {"Effect": "Allow"},
            {"Action": "s3:PutObjectTagging"},
            {"Resource": "arn:aws:s3:::other/*"},
            {"Condition": {"ArnNotEquals": {"aws:PrincipalArn": ["a", "b"]}}},
            {"Principal": {"AWS": "arn:aws:iam::111122223333:root"}},
        ],
    )
    def test_one_that_was_altered_says_in_what(
        self, deployment: Deployment, change: dict[str, Any]
    ) -> None:
        wanted = deployment.bucket_policy(NAME) or []
        there = deepcopy(wanted)
        [target] = [each for each in there if each.get("Sid") == "OnlyTheCommitterFlips"]
        target.update(change)
        [found] = policies.check("bucket policy", wanted, there)
        assert found.level is WRONG and "altered: OnlyTheCommitterFlips" in found.message
        assert f"its {next(iter(change))} differs" in found.message

    def test_one_that_is_nobody_s_is_told(self) -> None:
        mine = guards.signing(ROLE)
        theirs = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
        found = list(policies.check("bucket policy", [mine], [mine, theirs]))
        assert levels(found) == [WARNING, OK] and "Allow s3:GetObject" in found[0].message

    def test_a_bucket_without_a_policy_lacks_them_all(self, deployment: Deployment) -> None:
        wanted = deployment.bucket_policy(NAME) or []
        assert levels(policies.check("bucket policy", wanted, [])) == [WRONG] * len(wanted)

    def test_a_policy_that_may_not_be_seen_is_not_taken_for_good(self) -> None:
        [found] = policies.check("bucket policy", [], REFUSED)
        assert found.level is WRONG and "you lack some:Action" in found.message


def _respelled(statement: dict[str, Any]) -> dict[str, Any]:
    """The same, as a service might give it back."""
    found = dict(sorted(statement.items(), reverse=True))
    if isinstance(found["Action"], str):
        found["Action"] = [found["Action"]]
    else:
        found["Action"] = found["Action"][::-1]
    if found["Principal"] == {"AWS": "*"}:
        found["Principal"] = "*"
    return found


def healthy(deployment: Deployment) -> bucket.BucketFacts:
    wanted = deployment.bucket(NAME)
    assert wanted is not None
    rules = [
        {
            "ID": rule["Id"],
            "Status": rule["Status"],
            "Filter": {"Prefix": rule.get("Prefix", "")},
            "Expiration": {"Days": rule.get("ExpirationInDays"),
                           "ExpiredObjectDeleteMarker": rule.get("ExpiredObjectDeleteMarker")},
            "NoncurrentVersionExpiration": rule.get("NoncurrentVersionExpiration", {}),
            "AbortIncompleteMultipartUpload": rule.get("AbortIncompleteMultipartUpload", {}),
        }
        for rule in wanted["LifecycleConfiguration"]["Rules"]
    ]  # fmt: skip
    blocks = dict.fromkeys(
        ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
    )
    encryption = {"SSEAlgorithm": "AES256"}
    return bucket.BucketFacts(NAME, "Enabled", blocks, True, encryption, rules)


class TestTheBucket:
    def found(self, deployment: Deployment, **changes: Any) -> list[Finding]:
        facts = replace(healthy(deployment), **changes)
        wanted = deployment.bucket(NAME)
        return [f for f in bucket.check(facts, wanted, Layout()) if f.level is not OK]

    def test_as_deployed_is_well(self, deployment: Deployment) -> None:
        assert self.found(deployment) == []

    @pytest.mark.parametrize(
        ("changes", "message", "command"),
        [
            ({"versioning": "Suspended"}, "versions are not kept", "Status=Enabled"),
            ({"versioning": None}, "versions are not kept", "put-bucket-versioning"),
            ({"public_access": {}}, "BlockPublicAcls", "BlockPublicAcls=true"),
            ({"events": False}, "EventBridge is not told", "EventBridgeConfiguration"),
            ({"encryption": {}}, "encrypted by nothing", "--revert-drift"),
            ({"encryption": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "k"}}, "by k", "drift"),
        ],
    )
    def test_what_is_off_is_wrong_and_how_to_mend_it(
        self, deployment: Deployment, changes: dict[str, Any], message: str, command: str
    ) -> None:
        [found] = self.found(deployment, **changes)
        assert found.level is WRONG and message in found.message and command in found.command

    def test_what_may_not_be_seen_is_told_with_the_permission(self, deployment: Deployment) -> None:
        fields = ("versioning", "public_access", "events", "encryption", "lifecycle")
        found = self.found(deployment, **dict.fromkeys(fields, REFUSED))
        assert len(found) == len(fields)
        assert all("you lack some:Action" in each.message for each in found)

    def test_a_lifecycle_rule_that_is_gone_or_altered(self, deployment: Deployment) -> None:
        rules = healthy(deployment).lifecycle
        assert not isinstance(rules, Unseen)
        [gone] = self.found(deployment, lifecycle=rules[1:])
        assert "missing: AbortedUploads" in gone.message
        altered = [{**rules[0], "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 9}}]
        [found] = self.found(deployment, lifecycle=[*altered, *rules[1:]])
        assert "altered: AbortedUploads" in found.message

    @pytest.mark.parametrize(
        ("prefix", "level"),
        [("", WRONG), ("apt/pool/", WRONG), ("ap", WRONG), ("state/", WRONG), ("mine/", WARNING)],
    )
    def test_a_foreign_rule_that_deletes_by_age_what_hosts_read(
        self, deployment: Deployment, prefix: str, level: Level
    ) -> None:
        rules = healthy(deployment).lifecycle
        assert not isinstance(rules, Unseen)
        mine = {"ID": "Mine", "Status": "Enabled", "Prefix": prefix, "Expiration": {"Days": 30}}
        [found] = self.found(deployment, lifecycle=[*rules, mine])
        assert found.level is level and "Mine" in found.message

    def test_one_that_no_template_has_is_judged_by_what_every_press_needs(
        self, deployment: Deployment
    ) -> None:
        facts = healthy(deployment)
        assert set(levels(bucket.check(facts, None, Layout()))) == {OK}
        bad = replace(facts, versioning="Suspended", events=False)
        assert levels(bucket.check(bad, None, Layout())).count(WRONG) == 2


class TestKeys:
    FACTS = keys.KeyFacts(
        uri="awskms:#" + "A" * 40,
        arn=KEY,
        fingerprint="A" * 40,
        state="Enabled",
        policy=[guards.signing(ROLE)],
    )

    def test_the_archive_s_own_has_the_statement_that_every_key_must_have(
        self, deployment: Deployment
    ) -> None:
        [(_, statements)] = deployment.key_policies()
        assert policies.canonical(guards.signing(ROLE)) in map(policies.canonical, statements)
        facts = replace(self.FACTS, policy=statements)
        assert levels(keys.check(facts, ROLE, statements)) == [OK, OK]
        allow = [each for each in statements if each["Effect"] == "Allow"]
        found = said(keys.check(replace(facts, policy=allow), ROLE, statements))
        assert "missing: OnlyTheSignerSigns (Deny kms:Sign)" in found

    def test_one_that_is_able_guarded_and_pinned_is_well(self) -> None:
        assert levels(keys.check(self.FACTS, ROLE, None)) == [OK, OK]

    @pytest.mark.parametrize(
        ("facts", "message"),
        [
            (replace(FACTS, state="PendingDeletion"), "its state is PendingDeletion"),
            (replace(FACTS, state="Disabled"), "nothing can be signed"),
            (replace(FACTS, policy=[]), "OnlyTheSignerSigns is missing"),
            (replace(FACTS, policy=[guards.signing(f"{ROLE}2")]), "OnlyTheSignerSigns is altered"),
            (replace(FACTS, policy=REFUSED), "you lack some:Action"),
            (replace(FACTS, state=REFUSED), "you lack some:Action"),
        ],
    )
    def test_one_that_is_not(self, facts: keys.KeyFacts, message: str) -> None:
        [found] = [each for each in keys.check(facts, ROLE, None) if each.level is not OK]
        assert found.level is WRONG and message in found.message

    def test_how_to_guard_one_that_was_brought_can_be_copied(self) -> None:
        [found] = [f for f in keys.check(replace(self.FACTS, policy=[]), ROLE, None) if f.command]
        assert json.loads(found.command) == guards.signing(ROLE)

    def test_one_that_is_not_pinned(self) -> None:
        [found] = [f for f in keys.check(replace(self.FACTS, uri="awskms:"), ROLE, None)
                   if f.level is WARNING]  # fmt: skip
        assert f'"awskms:#{"A" * 40}"' in found.command


class TestWhatRunsByItself:
    GOOD = schedules.Trigger("x", "prune, daily", "rate(1 day)", "ENABLED", "rate(1 day)")

    @pytest.mark.parametrize(
        ("trigger", "level", "message"),
        [
            (GOOD, OK, "on, rate(1 day)"),
            (replace(GOOD, state="DISABLED"), WRONG, "is disabled"),
            (replace(GOOD, state=None), WRONG, "is gone"),
            (replace(GOOD, expression="rate(9 days)"), WRONG, "rate(9 days), and should be"),
            (replace(GOOD, state=REFUSED), WRONG, "you lack some:Action"),
            (schedules.Trigger("x", "uploads", None, "DISABLED"), WRONG, "is disabled"),
        ],
    )
    def test_schedules_and_the_rule(
        self, trigger: schedules.Trigger, level: Level, message: str
    ) -> None:
        [found] = schedules.check([trigger])
        assert found.level is level and message in found.message

    def test_every_function_of_the_template_is_looked_for(self, deployment: Deployment) -> None:
        shapes = dict(deployment.functions())
        assert len(shapes) == len(list(deployment.of("AWS::Lambda::Function")))
        good = [functions.Function(name, shape, shape) for name, shape in shapes.items()]
        assert levels(functions.check(good)) == [OK]
        altered = replace(good[0].wanted, memory=128, layers=())
        bad = [
            replace(good[0], there=altered),
            replace(good[1], there=None),
            replace(good[2], there=REFUSED),
            replace(good[3], state="Failed"),
        ]
        found = said(functions.check([*bad, *good[4:]]))
        for message in ("128 MB for ", "other layers", "is gone", "some:Action", "is Failed"):
            assert message in found

    @pytest.mark.parametrize(
        ("calls", "age", "level"), [(3, 99, OK), (0, 99, WRONG), (0, 1, OK), (REFUSED, 1, WRONG)]
    )
    def test_the_reaper_is_called(self, calls: Any, age: int, level: Level) -> None:
        since = NOW - timedelta(hours=age)
        found = releases.check_reaper(calls, NOW - timedelta(days=2), since, NOW)
        assert found.level is level

    @pytest.mark.parametrize(("suites", "level"), [(0, OK), (39, OK), (40, WARNING), (41, WARNING)])
    def test_there_is_room_for_another_suite_of_a_pattern(self, suites: int, level: Level) -> None:
        found = releases.check_room("pr-*", suites, 40)
        assert (found.about, found.level) == ("pr-*", level)
        assert found.message.startswith(f"{suites} suites of at most 40")

    @pytest.mark.parametrize(
        ("last", "age", "level", "message"),
        [
            (None, 1, OK, "not pruned yet"),
            (None, 99, WRONG, "never pruned"),
            (releases.Prune(NOW - timedelta(hours=9), "published"), 99, OK, "pruned at"),
            (releases.Prune(NOW - timedelta(hours=27), "published"), 99, WRONG, "to be daily"),
            (releases.Prune(NOW - timedelta(hours=9), None), 99, WARNING, "waits"),
            (releases.Prune(NOW - timedelta(hours=9), "rejected", "why"), 99, WRONG, "why"),
            (REFUSED, 1, WRONG, "some:Action"),
        ],
    )
    def test_prunes_are_daily(self, last: Any, age: int, level: Level, message: str) -> None:
        found = releases.check_prune("stable", last, NOW - timedelta(hours=age), NOW)
        assert found.level is level and message in found.message


class TestAReleaseInTime:
    def found(self, hours: float, valid: int | None = 7) -> Finding:
        date = NOW - timedelta(hours=hours)
        until = date + timedelta(days=valid) if valid else None
        one = release_file.Release("o", "l", "s", "c", date, (), (), "d", {}, until)
        return releases.check_release("stable", one, NOW, NOW)

    def test_valid_for_ever_or_long_enough(self) -> None:
        assert self.found(10_000, None).level is OK
        assert self.found(83).level is OK

    def test_half_of_it_over_the_heartbeat_has_stopped(self) -> None:
        found = self.found(85)
        assert found.level is WRONG and "the heartbeat has stopped" in found.message

    def test_all_of_it_over(self) -> None:
        found = self.found(7 * 24 + 1)
        assert found.level is WRONG and "every host's apt update fails" in found.message
        assert found.remedy == "docs/runbook.md#validity"

    def test_dated_ahead_of_when_it_was_put(self) -> None:
        found = self.found(-1)
        assert found.level is WRONG and "clock is ahead" in found.message


class TestWhatDidNotComeThrough:
    def test_dead_letters(self) -> None:
        found = list(backlog.check_letters({"q/a": 0, "q/b": 2, "q/c": REFUSED}))
        assert levels(found) == [OK, WRONG, WRONG]
        assert "2 messages in b" in found[1].message and "#lost-events" in found[1].remedy

    @pytest.mark.parametrize(
        ("hours", "level"), [([], OK), ([15 * 24], OK), ([30], WARNING), ([30, 1], WRONG)]
    )
    def test_failed_executions_while_they_can_be_redriven(
        self, hours: list[int], level: Level
    ) -> None:
        failed = [backlog.Ended(f"arn-{h}", "FAILED", NOW - timedelta(hours=h)) for h in hours]
        [found] = backlog.check_executions(failed, NOW)
        assert found.level is level
        assert level is OK or f"redrive-execution --execution-arn arn-{hours[-1]}" in found.command

    def test_every_alarm_of_the_template_that_rings_or_is_gone(
        self, deployment: Deployment
    ) -> None:
        names = deployment.ids("AWS::CloudWatch::Alarm")
        quiet = [backlog.Alarm(name, "OK", "It. See docs/runbook.md#validity", 1) for name in names]
        assert levels(backlog.check_alarms(names, quiet)) == [OK]
        rings = replace(quiet[0], state="ALARM", told=0)
        found = list(backlog.check_alarms(names, [rings, *quiet[2:]]))
        assert levels(found) == [WRONG, WRONG, WARNING]
        assert (found[0].message, found[0].remedy) == ("rings: It", "docs/runbook.md#validity")
        assert names[1] in found[1].message

    def test_refusals(self) -> None:
        assert levels(backlog.check_executions(REFUSED, NOW)) == [WRONG]
        assert levels(backlog.check_alarms([], REFUSED)) == [WRONG]


class TestLimits:
    def test_a_new_account(self) -> None:
        found = list(capacity.check(capacity.Capacity(10, 10, 3008)))
        assert levels(found) == [WARNING, OK] and "L-B99A9384" in found[0].command
        assert levels(capacity.check(capacity.Capacity(1000, 900, 10240))) == [OK, OK]
        assert levels(capacity.check(REFUSED)) == [WARNING]

    @pytest.mark.parametrize(
        ("seconds", "level"), [(0, OK), (-3, OK), (30, WARNING), (-30, WARNING), (1000, WRONG)]
    )
    def test_clocks(self, seconds: int, level: Level) -> None:
        assert clocks.check(NOW + timedelta(seconds=seconds), NOW).level is level
        assert clocks.check(NOW, Unseen("no answer")).level is WRONG

    def test_versions(self) -> None:
        assert levels(versions.check("1.2.0", {"the stack": "1.2.0"})) == [OK]
        found = list(versions.check("1.2.0", {"the stack": "1.1.0", "it": None, "l": REFUSED}))
        assert levels(found) == [WARNING] * 3
        assert "the stack is of 1.1.0, this command is of 1.2.0" in found[0].message

    @pytest.mark.parametrize(
        ("status", "level"),
        [
            ("CREATE_COMPLETE", OK),
            ("IMPORT_COMPLETE", OK),
            ("UPDATE_ROLLBACK_COMPLETE", WARNING),
            ("IMPORT_ROLLBACK_COMPLETE", WARNING),
            ("ROLLBACK_COMPLETE", WRONG),
            ("IMPORT_ROLLBACK_FAILED", WRONG),
            ("UPDATE_IN_PROGRESS", WARNING),
            ("UPDATE_ROLLBACK_FAILED", WRONG),
            ("DELETE_FAILED", WRONG),
        ],
    )
    def test_stacks(self, status: str, level: Level) -> None:
        stack = Stack("debpress-archive", ARN, status, NOW, protected=True)
        assert levels(stacks.check({stack.name: stack}, "eu-central-1")) == [level]

    def test_a_press_within_an_application_is_found_by_its_one_stack(self) -> None:
        outputs = {"Name": "acme", "Bucket": "theirs"}
        stack = Stack("packages", ARN, "CREATE_COMPLETE", NOW, outputs=outputs)
        there = cast(Deployed, SimpleNamespace(stack={"packages": stack}.get))
        asked = argparse.Namespace(stack="packages", name=None, bucket=None)
        assert doctor.find(asked, there) == ("theirs", stacks.Press("acme", ("packages",)))
        asked.stack = "other"
        with pytest.raises(argparse.ArgumentError, match="no outputs Name and Bucket"):
            doctor.find(asked, there)

    def test_an_archive_that_anybody_may_terminate(self) -> None:
        stack = Stack("debpress-archive", ARN, "CREATE_COMPLETE", NOW, protected=False)
        [found] = stacks.check({stack.name: stack}, "eu-central-1")
        assert found.level is WARNING and "--enable-termination-protection" in found.command

    def test_a_press_that_was_destroyed_and_what_is_not_there_at_all(self) -> None:
        gone = {"debpress-archive": None, "debpress-press": None, "hidden": REFUSED}
        found = list(stacks.check(gone, "eu-central-1"))
        assert levels(found) == [WRONG] * 3
        assert "no stack debpress-archive in eu-central-1" in found[0].message
        assert "hosts read what was published last" in found[1].remedy
        assert found[1].command == "npx cdk deploy debpress-press"
        assert "some:Action" in found[2].message

    def test_names_of_stacks_are_those_that_are_deployed(self) -> None:
        meant = names.Names("mirror")
        assert stacks.named("mirror").stacks == (meant.archive_stack, meant.press_stack)
        assert {stacks.name(each) for each in stacks.named("mirror").stacks} == {"mirror"}


class TestTheReplica:
    def shown(self, body: bytes, seconds: int = 0) -> Object:
        head = Head("InRelease", "e", len(body), NOW - timedelta(seconds=seconds))
        return Object(head, body)

    @pytest.mark.parametrize(
        ("here", "age", "level", "message"),
        [
            (b"new", 9000, OK, "shows what the archive shows"),
            (b"old", 60, WARNING, "shows an older release; the archive's is 60 seconds old"),
            (b"old", 900, WRONG, "shows an older release; the archive's is 900 seconds old"),
            (None, 900, WRONG, "shows no release"),
        ],
    )
    def test_it_may_be_some_minutes_behind(
        self, here: bytes | None, age: int, level: Level, message: str
    ) -> None:
        there = self.shown(b"new", age)
        found = replica.check("s", there, None if here is None else self.shown(here), NOW)
        assert (found.level, found.about) == (level, "s") and message in found.message

    def test_what_may_not_be_seen_is_told(self) -> None:
        pairs: list[tuple[Object | Unseen, Unseen | None]]
        pairs = [(REFUSED, None), (self.shown(b""), REFUSED)]
        for there, here in pairs:
            found = replica.check("s", there, here, NOW)
            assert found.level is WRONG and "some:Action" in found.message

    def test_an_archive_without_a_release_has_none_to_follow(self) -> None:
        assert replica.check("s", None, None, NOW).level is OK

    def test_nobody_uploads_to_it(self, deployment: Deployment) -> None:
        facts = bucket.BucketFacts(NAME, "Enabled", {}, events=False, encryption={}, lifecycle=[])
        assert "EventBridge" in said(bucket.check(facts, None, Layout()))
        assert "EventBridge" not in said(bucket.check(facts, None, Layout(), uploads=False))

    def test_its_stack_is_named_and_protected_like_the_archive_s(self) -> None:
        assert stacks.replica("mirror") == names.Names("mirror").replica_stack
        stack = Stack("debpress-replica", ARN, "CREATE_COMPLETE", NOW, protected=False)
        assert levels(stacks.check({stack.name: stack}, "eu-west-1")) == [WARNING]


class TestWhatAHostSees:
    """A bucket of the press in memory, at an address of its own."""

    ROOT = "https://host.example/apt"

    @pytest.fixture
    def objects(self, press: Press) -> dict[str, bytes]:
        assert press.publish(press.upload("b1", debs(("foo", "1.0", "all")))) == "published"
        press.store.put("apt/key.gpg", b"".join(press.keys().certificates))
        return {
            f"https://host.example/{head.key}": press.store.body(head.key)
            for head in press.store.list("apt/")
        }

    def look(self, objects: Mapping[str, bytes], absent: int = 403) -> list[Finding]:
        def fetch(url: str) -> hosts.Answer | Unseen:
            found = objects.get(url)
            return hosts.Answer(absent) if found is None else hosts.Answer(200, found)

        return list(hosts.check(hosts.look(fetch, self.ROOT, ["stable"]), NOW))

    @pytest.mark.parametrize("absent", [403, 404])
    def test_all_is_there(self, objects: dict[str, bytes], absent: int) -> None:
        found = self.look(objects, absent)
        assert levels(found) == [OK] * 4, said(found)
        assert f"what is not there answers {absent}" in said(found)

    def test_a_page_for_what_is_not_there_is_taken_for_a_file(
        self, objects: dict[str, bytes]
    ) -> None:
        def fetch(url: str) -> hosts.Answer | Unseen:
            return hosts.Answer(200, objects.get(url, b"<html>"))

        found = list(hosts.check(hosts.look(fetch, self.ROOT, ["stable"]), NOW))
        assert levels(found) == [OK, OK, OK, WRONG]

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("key.gpg", "key.gpg answers 403"),
            ("dists/stable/InRelease", "InRelease answers 403"),
            ("by-hash", "answers 403"),
        ],
    )
    def test_what_is_gone(self, objects: dict[str, bytes], name: str, message: str) -> None:
        left = {url: body for url, body in objects.items() if name not in url}
        assert message in said(f for f in self.look(left) if f.level is WRONG)

    def test_what_was_altered(self, objects: dict[str, bytes]) -> None:
        inrelease = f"{self.ROOT}/dists/stable/InRelease"
        body = objects[inrelease].replace(b"Origin: ", b"Origin: x")
        assert "does not verify" in said(self.look({**objects, inrelease: body}))
        spoilt = {url: b"x" if "by-hash" in url else body for url, body in objects.items()}
        assert "has other bytes" in said(self.look(spoilt))
        digest = hashlib.sha256(b"x").hexdigest()
        assert digest not in str(objects)

    def test_a_private_bucket_is_not_asked_any_more(self) -> None:
        view = hosts.look(lambda _: hosts.Answer(403), self.ROOT, ["stable"])
        assert view.closed and hosts.closed(view).level is OK

    def test_an_address_that_does_not_answer_is_asked_once(self) -> None:
        asked: list[str] = []

        def fetch(url: str) -> Unseen:
            asked.append(url)
            return Unseen("it does not answer")

        view = hosts.look(fetch, self.ROOT, ["stable", "testing"])
        assert levels(hosts.check(view, NOW)) == [WARNING] and len(asked) == 1
