"""Uploaders: who publishes which packages, told apart by the names of their batches."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any, Unpack

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from debpress import config, openpgp, uploaders
from debpress.errors import ConfigError
from debpress.inspection.history import history
from debpress.signing import Signers
from debpress.steps import prune

from stacks import settings
from stacks.kept import Kept
from stacks.roles import Roles
from tests.support.press import Place, Press, debs, ed25519_signers, event
from tests.support.scenes import signers
from tests.support.templates import Template, context, permissions

PLACES = ("stable/main", "testing/main")
WEB = {"name": "web", "packages": ["web", "web-*"], "publishes": list(PLACES)}
TOOLS = {"name": "tools", "packages": ["tool-*", "lib*-tool"], "publishes": ["stable/main"]}
SUITES = [
    {"suite": name, "components": ["main", "extra"], "architectures": ["amd64"]}
    for name in ("stable", "testing")
]


def described(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"suites": SUITES, "uploaders": list(entries)}


@pytest.fixture
def press() -> Press:
    made = Press(signers(), repository=config.parse(described(WEB, TOOLS)))
    made.set_up()
    return made


def publish(press: Press, batch: str, *names: str, **place: Unpack[Place]) -> list[tuple[str, str]]:
    """Uploads packages of these names; the codes of what is wrong, by file."""
    press.publish(press.upload(batch, debs(*((n, "1", "all") for n in names)), **place))
    return [(each["file"], each["code"]) for each in press.result(batch, **place)["errors"]]


class TestInThePress:
    def test_each_publishes_its_own_and_the_record_says_who(self, press: Press) -> None:
        assert not publish(press, "web.1", "web", "web-data")
        assert not publish(press, "tools.1", "tool-a")
        assert {each.package for each in press.packages()} == {"web", "web-data", "tool-a"}
        assert press.result("web.1")["uploader"] == "web"
        flips = list(history(press.archive, "stable"))
        assert [flip.uploaders for flip in flips] == [("tools",), ("web",), ()]

    def test_what_is_another_s_or_nobody_s_is_refused_by_its_name(self, press: Press) -> None:
        assert publish(press, "web.1", "web", "tool-a", "libc6") == [
            (f"{name}_1_all.deb", "uploader-refused") for name in ("tool-a", "libc6")
        ]
        said = press.result("web.1")["errors"][0]["message"]
        assert "web may not publish 'tool-a' in stable/main, but web, web-*" in said
        assert press.packages() == set()

    @pytest.mark.parametrize("batch", ["1", "web", "webs.1", "Web.1", ".web.1"])
    def test_a_batch_in_nobody_s_name_is_refused(self, press: Press, batch: str) -> None:
        assert ("manifest.json", "uploader-unknown") in publish(press, batch, "web")

    def test_a_place_is_for_its_own_uploaders_alone(self, press: Press) -> None:
        assert publish(press, "tools.1", "tool-a", suite="testing") == [
            ("manifest.json", "uploader-unknown")
        ]

    def test_a_place_without_any_is_as_it_was(self, press: Press) -> None:
        assert not publish(press, "web.1", "libc6", component="extra")
        assert "uploader" not in press.result("web.1", component="extra")

    def test_what_is_an_uploader_s_comes_to_no_other_component_by_somebody_else(
        self, press: Press
    ) -> None:
        """Hosts would take its higher version from there."""
        assert publish(press, "b1", "web-data", "libc6", component="extra") == [
            ("web-data_1_all.deb", "uploader-refused")
        ]

    def test_one_who_is_configured_no_more_publishes_no_more(self, press: Press) -> None:
        """Between the plan and the admission there was a deployment."""
        steps = press.steps(press.upload("web.1", debs(("web", "1", "all"))))
        next(steps)
        press.repository = replace(press.repository, uploaders=press.repository.uploaders[1:])
        assert [*steps][-1] == "rejected"
        assert press.result("web.1")["errors"][0]["code"] == "uploader-refused"

    def test_operators_and_the_schedule_need_no_name(self, press: Press) -> None:
        publish(press, "web.1", "web")
        removal = {"op": "remove", "packages": ["web"]}
        assert press.publish(press.operate("o1", removal)) == "published"
        assert press.packages() == set()
        assert len(prune.run(press.services)) == 2

    def test_nor_does_an_operator_s_list_of_what_is_published_elsewhere(self, press: Press) -> None:
        [(name, body)] = debs(("libc6", "1", "all")).items()
        press.store.put(f"staging/stable/main/o1/{name}", body)
        files = [{"name": name, "sha256": hashlib.sha256(body).hexdigest()}]
        text = json.dumps({"version": 1, "as_published": True, "files": files}).encode()
        head = press.store.put("staging/stable/main/o1/operations.json", text)
        assert press.publish(event(head.key, head.etag, head.version_id)) == "published"
        assert "uploader" not in press.result("o1")


OURS, THEIRS = signers(), ed25519_signers()


def armored(made: Signers) -> str:
    [raw] = made.certificates()
    return openpgp.armor(raw, "PUBLIC KEY BLOCK").decode()


def changes(files: dict[str, bytes], distribution: str = "stable") -> bytes:
    sums = "".join(
        f" {hashlib.sha256(body).hexdigest()} {len(body)} {name}\n" for name, body in files.items()
    )
    listed = "".join(f" {'0' * 32} {len(body)} misc optional {n}\n" for n, body in files.items())
    return (
        f"Format: 1.8\nDistribution: {distribution}\nChecksums-Sha256:\n{sums}Files:\n{listed}"
    ).encode()


class TestSigned:
    """By the key of an uploader, who may name the batch as it likes."""

    @pytest.fixture
    def press(self, press: Press) -> Press:
        signed = {**TOOLS, "certificates": [armored(OURS)]}
        press.repository = config.parse(described(WEB, signed))
        return press

    def send(self, press: Press, document: bytes, **where: str) -> list[str]:
        """Uploads a package of `tools` and this; the messages of what is wrong."""
        suite, name = where.get("suite", "stable"), where.get("name", "a.changes")
        place = f"staging/{suite}/main/b1/"
        for file, body in debs((where.get("package", "tool-a"), "1", "all")).items():
            press.store.put(place + file, body)
        head = press.store.put(place + name, document)
        press.publish(event(head.key, head.etag, head.version_id))
        errors = press.result("b1", suite)["errors"]
        assert {each["code"] for each in errors} <= {"uploader-unknown", "uploader-refused"}
        return [each["message"] for each in errors]

    def clearsigned(self, press: Press, by: Signers, **about: str) -> bytes:
        files = debs((about.pop("package", "tool-a"), "1", "all"))
        return by.clearsign(changes(files, **about), press.clock.now())

    def test_the_key_says_whose_it_is(self, press: Press) -> None:
        assert not self.send(press, self.clearsigned(press, OURS))
        assert press.result("b1")["uploader"] == "tools"
        assert {each.package for each in press.packages()} == {"tool-a"}

    def test_it_publishes_its_own_names_alone(self, press: Press) -> None:
        document = self.clearsigned(press, OURS, package="web")
        [said] = self.send(press, document, package="web")
        assert "tools may not publish 'web'" in said

    @pytest.mark.parametrize("name", ["manifest.json", "SHA256SUMS"])
    def test_what_can_t_be_signed_is_nobody_s(self, press: Press, name: str) -> None:
        files = debs(("tool-a", "1", "all"))
        [(file, body)] = files.items()
        sha256 = hashlib.sha256(body).hexdigest()
        listed = {"name": file, "sha256": sha256}
        spelled = {
            "manifest.json": json.dumps({"version": 1, "files": [listed]}),
            "SHA256SUMS": f"{sha256}  {file}\n",
        }
        [said] = self.send(press, spelled[name].encode(), name=name)
        assert "name it web.b1 or so" in said and "signed by one of: tools" in said

    def test_another_key_or_none_is_refused(self, press: Press) -> None:
        [said] = self.send(press, self.clearsigned(press, THEIRS))
        assert "is signed by none of tools" in said
        [said] = self.send(press, changes(debs(("tool-a", "1", "all"))))
        assert said == "is not signed; have debsign sign it by a key of one of: tools"

    def test_altered_text_is_refused(self, press: Press) -> None:
        document = self.clearsigned(press, OURS)
        [said] = self.send(press, document.replace(b"misc", b"main"))
        assert "its signature is not good" in said

    def test_what_stands_beside_the_signed_text_is_refused(self, press: Press) -> None:
        """A reader that took it along would believe what nobody has signed."""
        document = self.clearsigned(press, OURS)
        for forged in (b"Extra: x\n" + document, document + b"Extra: x\n", document + document):
            [said] = self.send(press, forged)
            assert "its signature is not good" in said

    def test_what_is_signed_for_another_suite_is_refused(self, press: Press) -> None:
        for distribution in ("testing", "stable testing"):
            [said] = self.send(press, self.clearsigned(press, OURS, distribution=distribution))
            assert "is signed for the Distribution" in said
        assert press.packages() == set()

    def test_what_was_signed_comes_again_after_a_removal_with_the_same_bytes_alone(
        self, press: Press
    ) -> None:
        """docs/security.md says so: who may write to the place may replay."""
        document = self.clearsigned(press, OURS)
        for _ in range(2):
            assert not self.send(press, document)
            assert {each.package for each in press.packages()} == {"tool-a"}
            removal = {"op": "remove", "packages": ["tool-a"]}
            assert press.publish(press.operate("o1", removal)) == "published"

    def test_a_codename_that_two_suites_have_is_no_place(self, press: Press) -> None:
        both = [{**each, "codename": "bookworm"} for each in SUITES]
        signed = {**TOOLS, "certificates": [armored(OURS)]}
        press.repository = config.parse({**described(WEB, signed), "suites": both})
        [said] = self.send(press, self.clearsigned(press, OURS, distribution="bookworm"))
        assert "is signed for the Distribution" in said

    def test_a_name_that_is_another_s_does_not_need_a_key(self, press: Press) -> None:
        """Nobody but that one's role could have written it."""
        assert not publish(press, "web.1", "web")

    def test_a_name_is_no_proof_where_a_key_is_asked_for(self, press: Press) -> None:
        assert publish(press, "tools.1", "tool-a") == [("manifest.json", "uploader-unknown")]


class TestInTheConfiguration:
    @pytest.mark.parametrize(
        ("entries", "named"),
        [
            ([WEB, {**TOOLS, "name": "web"}], "uploaders[1].name"),
            ([{**WEB, "name": "we.b"}], "uploaders[0].name"),
            ([{**WEB, "packages": ["Web"]}], "uploaders[0].packages[0]"),
            ([{**WEB, "packages": []}], "uploaders[0].packages"),
            ([{**WEB, "publishes": ["stable/none"]}], "uploaders[0].publishes[0]"),
            ([WEB, {**TOOLS, "packages": ["tool-*", "we*"]}], "uploaders[1].packages"),
            ([WEB, {**TOOLS, "packages": ["*-data"]}], "uploaders[1].packages"),
            (
                [WEB, {**TOOLS, "packages": ["web"], "publishes": ["stable/extra"]}],
                "uploaders[1].packages",
            ),
            ([{**WEB, "keys": []}], "uploaders[0].keys"),
            ([{**WEB, "certificates": ["/etc/key.asc"]}], "uploaders[0].certificates[0]"),
        ],
    )
    def test_a_fault_is_named(self, entries: list[dict[str, Any]], named: str) -> None:
        with pytest.raises(ConfigError) as caught:
            config.parse(described(*entries))
        assert str(caught.value).startswith(f"debpress.{named}:")

    def test_two_suites_may_have_different_owners(self) -> None:
        one, other = {**WEB, "publishes": ["stable/main"]}, {**WEB, "publishes": ["testing/main"]}
        found = config.parse(described(one, {**other, "name": "other"}))
        assert config.parse(config.as_json(found)) == found

    def test_patterns_meet_where_a_name_fits_both(self) -> None:
        """Held against every name of up to five letters."""
        names = ["".join(each) for n in range(6) for each in itertools.product("ab", repeat=n)]
        patterns = [
            "".join(each) for n in range(1, 4) for each in itertools.product("ab*", repeat=n)
        ]
        for one, other in itertools.product(patterns, repeat=2):
            fits = any(fnmatchcase(name, one) and fnmatchcase(name, other) for name in names)
            assert uploaders._meet(one, other) == fits, (one, other)


CI = {"name": "Web", "subjects": ["repo:o@1/web@2:ref:refs/heads/main"]}


class TestRoles:
    def read(self, **entry: Any) -> settings.Settings:
        roles = {"ci": [{**CI, **entry}]}
        given = {"debpress": described(WEB, TOOLS), "roles": roles}
        return settings.parse(given)

    @pytest.mark.parametrize(
        ("entry", "named"),
        [
            ({"publishes": ["stable/extra", "stable/main"]}, "publishes[1]"),
            ({"uploader": "nobody"}, "uploader"),
            ({"uploader": "web", "publishes": ["stable/extra"]}, "publishes"),
            ({}, "publishes"),
        ],
    )
    def test_a_fault_is_named(self, entry: dict[str, Any], named: str) -> None:
        with pytest.raises(ConfigError) as caught:
            self.read(**entry)
        assert str(caught.value).startswith(f"roles.ci[0].{named}:")

    def test_every_uploader_of_the_place_is_named_to_choose_from(self) -> None:
        """A role may be an uploader's whose key tells it, too."""
        signed = {**TOOLS, "certificates": [armored(OURS)]}
        roles = {"ci": [{**CI, "publishes": ["stable/main"]}]}
        with pytest.raises(ConfigError, match=r'"uploader": one of web, tools$'):
            settings.parse({"debpress": described(WEB, signed), "roles": roles})

    def test_where_keys_tell_uploaders_a_role_may_write_all(self) -> None:
        signed = [{**each, "certificates": [armored(OURS)]} for each in (WEB,)]
        roles = {"ci": [{**CI, "publishes": list(PLACES)}]}
        found = settings.parse({"debpress": described(*signed), "roles": roles})
        assert [ci.uploader for ci in found.roles.ci] == [None]

    @pytest.mark.parametrize(
        ("certificates", "named"),
        [
            ((armored(OURS), armored(OURS)), "uploaders[1].certificates[0]"),
            ((armored(OURS), armored(OURS)[:-200] + armored(OURS)[-100:]), "uploaders[1]"),
        ],
    )
    def test_a_certificate_is_one_uploader_s(self, certificates: Any, named: str) -> None:
        entries = [
            {**each, "certificates": [text]}
            for each, text in zip((WEB, TOOLS), certificates, strict=True)
        ]
        with pytest.raises(ConfigError) as caught:
            settings.parse({"debpress": described(*entries)})
        assert str(caught.value).startswith(f"debpress.{named}")

    def test_a_role_writes_in_its_uploader_s_name_alone(self) -> None:
        [ci] = self.read(uploader="web").roles.ci
        assert ci.publishes == (("stable", "main"), ("testing", "main"))
        app = cdk.App(
            context=context(
                debpress=described(WEB, TOOLS), roles={"ci": [{**CI, "uploader": "web"}]}
            )
        )
        stack = cdk.Stack(app, "Stack")
        kept = Kept(cdk.aws_s3.Bucket(stack, "Bucket"), None, None)
        Roles(stack, "Roles", settings.read(app.node), kept)
        made = Template(assertions.Template.from_stack(stack).to_json())
        found = {
            tuple(line.split(" | ")[1:])
            for line in permissions(made)
            if line.startswith("RolesCiWeb | ") and "sts:" not in line
        }
        own = [f"{place}/web.*" for place in PLACES]
        listed = ", ".join(f"staging/{each}" for each in own)
        assert found == {
            ("DENY s3:PutObject", "<Bucket>/staging/*/operations.json"),
            *(("s3:PutObject", f"<Bucket>/staging/{each}") for each in own),
            *(("s3:AbortMultipartUpload", f"<Bucket>/staging/{each}") for each in own),
            *(("s3:GetObject", f"<Bucket>/results/{each}") for each in own),
            ("s3:GetObject", "<Bucket>/state/_repository.json"),
            ("s3:ListBucket", f"<Bucket> if {{StringLike: {{s3:prefix: {listed}}}}}"),
        }
