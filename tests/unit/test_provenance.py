"""A suite with a provenance policy takes what its workflow has built, and says why no more.

Sigstore is the one of tests/support/attesting.py: its own authority, logs and trust root.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib
import json
import operator
import os
import random
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from debpress import adapters, config
from debpress.adapters import aws, sigstore
from debpress.clock import iso
from debpress.codec import dump, load
from debpress.commands import connection, show
from debpress.commands.beside import bundles, judged, refused_by
from debpress.commands.main import main
from debpress.commands.packages import examine
from debpress.commands.repository import known
from debpress.errors import ConfigError, ProvenanceError, StoreError
from debpress.keys.publication import publish
from debpress.layout import Layout
from debpress.provenance import statement
from debpress.provenance.claims import Claims, claims_of
from debpress.provenance.policy import GITHUB, Identity, Policy
from debpress.provenance.proof import Verifier
from debpress.records.generation import Generation
from debpress.signing import Signers

from local import paths
from tests.support import scenes
from tests.support.attesting import COMMIT, REF, REPOSITORY, RUN, WORKFLOW, Sigstore, build
from tests.support.documents import blocks, sh
from tests.support.press import SUITES, Press, deb, event, quick_signers

TRUSTED = Sigstore()
NAME, IT = "it_1_all.deb", deb("it", "1")
BUILT = (
    f"built from {REPOSITORY} by {WORKFLOW} at {REF}, commit {COMMIT}, in {RUN}; verified when it "
    "was admitted"
)
SHA256 = hashlib.sha256(IT).hexdigest()
BUNDLE = f"{NAME}.sigstore.json"
POLICY = {"repository": "my-org/web", "workflow": WORKFLOW, "ref": "refs/tags/v*"}
REQUIRED = {"require": True, **POLICY}


@pytest.fixture(scope="module")
def trust_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return TRUSTED.trust_root(tmp_path_factory.mktemp("trust"))


@pytest.fixture(scope="module")
def verifier(trust_root: Path) -> Verifier:
    return sigstore.verifier(trust_root)


Guarded = Callable[..., Press]


@pytest.fixture
def guarded(signers: Signers, verifier: Verifier) -> Guarded:
    """Makes a press whose suites have a policy."""

    def make(policy: Mapping[str, Any] = REQUIRED) -> Press:
        press = Press(signers, verifier=lambda: verifier)
        press.configure(provenance=policy)
        press.set_up()
        press.clock.sleep(600)
        return press

    return make


def upload(press: Press, bundle: bytes | None, name: str = "it", body: bytes = IT) -> str | None:
    """Publishes a package with its bundle beside it; the status."""
    file = f"{name}_1_all.deb"
    if bundle is not None:
        press.store.put(f"staging/stable/main/{name}/{file}.sigstore.json", bundle)
    return press.publish(press.upload(name, {file: body}))


def kept(press: Press) -> list[str]:
    return list(press.store.keys(Layout.provenance()))


def altered(bundle: bytes, *place: str | int) -> bytes:
    """With one bit flipped in the bytes that stand at this place in it."""
    data = json.loads(bundle)
    holder = data
    for each in place[:-1]:
        holder = holder[each]
    body = bytearray(base64.b64decode(holder[place[-1]]))
    body[len(body) // 2] ^= 1
    holder[place[-1]] = base64.b64encode(body).decode()
    return json.dumps(data).encode()


# What is taken


@pytest.mark.parametrize("bundle", [TRUSTED.attest(deb("other"), IT), TRUSTED.sign(IT)])
def test_what_the_workflow_has_built_is_published_and_its_proof_is_kept(
    guarded: Guarded, bundle: bytes
) -> None:
    """An attestation of several files, as GitHub's are, and a signature, as cosign's are."""
    press = guarded()
    assert upload(press, bundle) == "published"
    result, digest = press.result("it"), hashlib.sha256(bundle).hexdigest()
    said = {
        "bundle": digest,
        "repository": REPOSITORY,
        "workflow": WORKFLOW,
        "ref": REF,
        "commit": COMMIT,
        "run": RUN,
    }
    assert result["packages"][0]["provenance"] == said
    assert result["ignored"] == []
    assert press.store.body(f"state/_provenance/{SHA256}/{digest}.sigstore.json") == bundle
    newest = max(press.store.keys("state/stable/generations/"))
    record = load(Generation, press.store.body(newest), newest)
    assert record.batches[0].packages[0].provenance is not None
    assert json.loads(dump(record))["batches"][0]["packages"][0]["provenance"] == said


def test_a_bundle_is_there_before_anything_names_it(guarded: Guarded) -> None:
    """Admission may die after any write: what it has noted is then whole."""
    press = guarded()
    assert upload(press, GOOD) == "published"
    written = [write.key for write in press.store.log]
    (bundle,) = (key for key in written if key.startswith(Layout.provenance()))
    (verdict,) = (key for key in written if key.endswith("/chunk-00000.json"))
    assert written.index(bundle) < written.index(verdict)


def test_nobody_is_asked(verifier: Verifier, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: Any) -> None:
        raise AssertionError("somebody was asked")

    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    monkeypatch.setattr(socket.socket, "connect", unreachable)
    assert verifier.verify(TRUSTED.attest(IT), SHA256).repository == REPOSITORY


def test_one_of_several_bundles_is_enough_and_it_alone_is_kept(guarded: Guarded) -> None:
    """`gh attestation download` writes all that there is, one a line."""
    press = guarded()
    good = TRUSTED.attest(IT)
    tested = TRUSTED.attest(IT, predicate="https://in-toto.io/attestation/test-result/v0.1")
    assert upload(press, b"\n".join([tested, TRUSTED.attest(deb("x")), good, b""])) == "published"
    assert kept(press) == [Layout.provenance(SHA256, hashlib.sha256(good).hexdigest())]


def test_digits_may_be_written_in_upper_case(guarded: Guarded) -> None:
    subject = [{"name": "x", "digest": {"sha256": SHA256.upper()}}]
    assert upload(guarded(), TRUSTED.attest(more={"subject": subject})) == "published"


def test_as_many_packages_as_github_attests_together(verifier: Verifier) -> None:
    subjects = [
        {"name": f"package-{n}_1.0_amd64.deb", "digest": {"sha256": f"{n:064x}"}}
        for n in range(1024)
    ]
    bundle = TRUSTED.attest(more={"subject": subjects})
    assert verifier.verify(bundle, f"{1023:064x}").run == RUN
    assert len(bundle) < 300_000


def test_the_bundle_of_another_package_of_the_batch_proves_nothing(guarded: Guarded) -> None:
    press = guarded()
    files = {f"{name}_1_all.deb": deb(name, "1") for name in ("a", "b")}
    swapped = zip(files, reversed(files.values()), strict=True)
    for name, body in swapped:
        press.store.put(f"staging/stable/main/two/{name}.sigstore.json", TRUSTED.attest(body))
    assert press.publish(press.upload("two", files)) == "rejected"
    told = {each["file"]: each["code"] for each in press.result("two")["errors"]}
    assert told == dict.fromkeys(files, "provenance-digest") and not kept(press)


def test_a_bundle_without_its_package_is_only_beside_it(guarded: Guarded) -> None:
    """It proves nothing of what is there, and no manifest can list it."""
    press = guarded()
    press.store.put("staging/stable/main/it/gone_1_all.deb.sigstore.json", GOOD)
    assert upload(press, GOOD) == "published"
    assert press.result("it")["ignored"] == ["gone_1_all.deb.sigstore.json"]
    listed = [{"name": BUNDLE, "sha256": hashlib.sha256(GOOD).hexdigest()}]
    press.store.put(f"staging/stable/main/lone/{BUNDLE}", GOOD)
    asked = press.upload("lone", {}, manifest={"version": 1, "files": listed})
    assert press.publish(asked) == "rejected"
    assert [each["code"] for each in press.result("lone")["errors"]] == ["name-unsafe"]


def test_each_package_of_a_batch_has_its_own(guarded: Guarded) -> None:
    press = guarded()
    files = {f"{name}_1_all.deb": deb(name, "1") for name in ("a", "b")}
    bundle = TRUSTED.attest(*files.values())
    for name in files:
        press.store.put(f"staging/stable/main/two/{name}.sigstore.json", bundle)
    assert press.publish(press.upload("two", files)) == "published"
    assert len({each["sha256"] for each in press.result("two")["packages"]}) == 2
    assert len(kept(press)) == 2


def test_without_require_a_package_may_come_without(guarded: Guarded) -> None:
    press = guarded(POLICY)
    assert upload(press, None) == "published"
    assert "provenance" not in press.result("it")["packages"][0]
    other = deb("other", "1")
    assert upload(press, TRUSTED.attest(IT), "other", other) == "rejected"
    assert upload(press, TRUSTED.attest(other), "other", other) == "published"


def test_without_a_policy_nothing_is_read(press: Press) -> None:
    """The press of this test can verify nothing."""
    assert upload(press, b"whatever") == "published"
    assert press.result("it")["ignored"] == [BUNDLE]
    assert "provenance" not in press.result("it")["packages"][0]
    assert not kept(press)


def test_admission_twice_is_admission_once(guarded: Guarded) -> None:
    press = guarded()
    bundle = TRUSTED.attest(IT)
    assert upload(press, bundle) == "published"
    before = kept(press)
    assert upload(press, bundle) == "published"
    assert press.result("it")["packages"][0]["action"] == "unchanged"
    assert press.result("it")["packages"][0]["provenance"]["bundle"] in before[0]
    assert kept(press) == before


# What an operator answers for


def listed_by_an_operator(press: Press, name: str, suite: str = "stable") -> str | None:
    file, body = f"{name}_1_all.deb", deb(name, "1")
    place = f"staging/{suite}/main/by-operator/"
    press.store.put(place + file, body)
    listed = [{"name": file, "sha256": hashlib.sha256(body).hexdigest()}]
    said = {"version": 1, "as_published": True, "files": listed}
    head = press.store.put(f"{place}operations.json", json.dumps(said).encode())
    return press.publish(event(head.key, head.etag, head.version_id))


def test_an_operator_may_answer_for_a_package_and_that_is_recorded(guarded: Guarded) -> None:
    """No proof is recorded then, and none that might lie there is asked for."""
    press = guarded()
    press.store.put(f"staging/stable/main/by-operator/{BUNDLE}", b"whatever")
    assert listed_by_an_operator(press, "it") == "published"
    (package,) = press.result("by-operator")["packages"]
    assert package["vouched_by"] == "operator" and "provenance" not in package
    newest = max(press.store.keys("state/stable/generations/"))
    record = load(Generation, press.store.body(newest), newest)
    assert record.batches[0].packages[0].vouched_by == "operator"
    assert not kept(press)


def test_nobody_answers_where_nobody_asks(press: Press) -> None:
    assert listed_by_an_operator(press, "it") == "published"
    assert "vouched_by" not in press.result("by-operator")["packages"][0]


# What is refused


def other_build(**said: str) -> bytes:
    return TRUSTED.attest(IT, of=build(**said))


def changed_in(bundle: bytes, **fields: Any) -> bytes:
    return json.dumps({**json.loads(bundle), **fields}).encode()


GOOD = TRUSTED.attest(IT)
ENTRY = ("verificationMaterial", "tlogEntries", 0)
REFUSED = {
    "the wrong repository": (
        other_build(repository="https://github.com/evil/web"),
        "provenance-identity",
        "the repository 'https://github.com/evil/web' in place of https://github.com/my-org/web",
    ),
    "one whose name only begins so": (
        other_build(repository="https://github.com/my-org/web2"),
        "provenance-identity",
        "in place of https://github.com/my-org/web;",
    ),
    "another CI that says it is that repository": (
        TRUSTED.attest(IT, of={**build(), 8: "https://gitlab.example"}),
        "provenance-identity",
        f"the issuer 'https://gitlab.example' in place of {GITHUB}",
    ),
    "the wrong workflow": (
        other_build(workflow=".github/workflows/test.yml"),
        "provenance-identity",
        f"the workflow '.github/workflows/test.yml' in place of {WORKFLOW}",
    ),
    "a workflow of another repository": (
        TRUSTED.attest(IT, of={**build(), 18: f"https://github.com/evil/x/{WORKFLOW}@{REF}"}),
        "provenance-identity",
        f"the workflow 'https://github.com/evil/x/{WORKFLOW}' in place of",
    ),
    "the wrong branch": (
        other_build(ref="refs/heads/topic"),
        "provenance-identity",
        "the ref 'refs/heads/topic' in place of refs/tags/v*",
    ),
    "a certificate of a person": (
        TRUSTED.attest(IT, of={8: "https://accounts.google.com"}),
        "provenance-identity",
        "the repository '' in place of",
    ),
    "an attestation of other bytes": (
        TRUSTED.attest(deb("it", "1", note="other")),
        "provenance-digest",
        f"and the package's is {SHA256}",
    ),
    "a signature of other bytes": (
        TRUSTED.sign(deb("it", "1", note="other")),
        "provenance-digest",
        f"and the package's is {SHA256}",
    ),
    "an expired certificate": (
        TRUSTED.attest(IT, late=timedelta(minutes=11)),
        "provenance-invalid",
        "its certificate had expired or was not valid yet",
    ),
    "a certificate of another authority": (
        Sigstore(timestamps=TRUSTED.timestamps, log=TRUSTED.log).attest(IT),
        "provenance-invalid",
        "of an instance of Sigstore that the trust root knows",
    ),
    "a certificate that no log has": (
        Sigstore(authority=TRUSTED.authority, log=TRUSTED.log).attest(IT),
        "provenance-invalid",
        "SCT",
    ),
    "a signature that no log has": (
        Sigstore(authority=TRUSTED.authority, timestamps=TRUSTED.timestamps).attest(IT),
        "provenance-invalid",
        "invalid log entry",
    ),
    "an altered statement": (
        altered(GOOD, "dsseEnvelope", "payload"),
        "provenance-invalid",
        "does not verify",
    ),
    "an altered signature": (
        altered(GOOD, "dsseEnvelope", "signatures", 0, "sig"),
        "provenance-invalid",
        "does not verify",
    ),
    "an altered entry of the log": (
        altered(GOOD, *ENTRY, "canonicalizedBody"),
        "provenance-invalid",
        "invalid log entry",
    ),
    "an altered promise of the log": (
        altered(GOOD, *ENTRY, "inclusionPromise", "signedEntryTimestamp"),
        "provenance-invalid",
        "does not verify",
    ),
    "another kind of statement": (
        TRUSTED.attest(IT, predicate="https://spdx.dev/Document/v2.3"),
        "provenance-invalid",
        "a 'https://spdx.dev/Document/v2.3', which is no provenance",
    ),
    "a statement that would fill a terminal": (
        TRUSTED.attest(IT, predicate="\x1b[31m" * 10_000),
        "provenance-invalid",
        "... (50000 characters), which is no provenance",
    ),
    "a ref that would fill a terminal": (
        other_build(ref="\x1b[31m" * 1000),
        "provenance-identity",
        "... (5000 characters) in place of refs/tags/v*",
    ),
    "no bundle at all": (None, "provenance-missing", "upload the package's Sigstore bundle"),
    "what is no JSON": (b"\xff\0", "provenance-invalid", "neither a JSON object nor one on each"),
    "an empty file": (b"", "provenance-invalid", "can't be read as a Sigstore bundle"),
    "an empty object": (b"{}", "provenance-invalid", "can't be read as a Sigstore bundle"),
    "something deep": (b"[" * 100_000, "provenance-invalid", "can't be read"),
    "a statement of subjects that are none": (
        TRUSTED.attest(IT, more={"subject": [{"digest": ["sha256", SHA256]}]}),
        "provenance-invalid",
        "a statement that is malformed",
    ),
    "a statement that takes fifty times its bytes to read": (
        TRUSTED.attest(IT, more={"predicate": [[]] * 60_000}),
        "provenance-invalid",
        "a statement that is of more than 100000 values",
    ),
    "a bundle that takes fifty times its bytes to read": (
        changed_in(GOOD, more=[[]] * 15_000),
        "provenance-invalid",
        "it has more than 20000 values",
    ),
    "a bundle nested as deep as it likes": (
        GOOD[:-1] + b', "more": ' + b"[" * 9000 + b"]" * 9000 + b"}",
        "provenance-invalid",
        "can't be read",
    ),
    "a bundle of another form": (
        changed_in(GOOD, mediaType="application/vnd.dev.sigstore.bundle.v9+json"),
        "provenance-invalid",
        "mediaType: Input should be 'application/vnd.dev.sigstore.bundle",
    ),
    "a statement and a signature": (
        changed_in(GOOD, messageSignature=json.loads(TRUSTED.sign(IT))["messageSignature"]),
        "provenance-invalid",
        "Exactly one of messageSignature or dsseEnvelope must be set",
    ),
    "neither a statement nor a signature": (
        json.dumps({k: v for k, v in json.loads(GOOD).items() if k != "dsseEnvelope"}).encode(),
        "provenance-invalid",
        "Exactly one of messageSignature or dsseEnvelope must be set",
    ),
    "two certificates by one key": (
        b'{"verificationMaterial": {}, ' + GOOD[1:],
        "provenance-invalid",
        "an object in it has a key twice",
    ),
    "what GitHub's API answers": (
        json.dumps({"attestations": [{"bundle": json.loads(GOOD)}]}).encode(),
        "provenance-invalid",
        "it has 'attestations', as GitHub's answers do",
    ),
    "what `gh attestation verify` prints": (
        json.dumps([{"attestation": {"bundle": json.loads(GOOD)}}]).encode(),
        "provenance-invalid",
        "it has 'attestation', as GitHub's answers do",
    ),
    "a list of bundles": (b"[%s]" % GOOD, "provenance-invalid", "it is a JSON list; put"),
    "too many": (b"{}\n" * 33, "provenance-invalid", "it has 33 bundles, the most is 32"),
    "something huge": (b" " * (4 * 2**20 + 1), "provenance-invalid", "the most is 4194304"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused(guarded: Guarded, verifier: Verifier, tmp_path: Path, what: str) -> None:
    """By the press, and in the same words by who looks before an upload."""
    bundle, code, words = REFUSED[what]
    press = guarded()
    before = press.packages()
    assert upload(press, bundle) == "rejected"
    (error,) = press.result("it")["errors"]
    assert (error["file"], error["code"]) == (NAME, code), error
    assert words in error["message"], error
    assert "; " in error["message"] and error["message"].isprintable()
    assert len(error["message"]) < 800
    (tmp_path / NAME).write_bytes(IT)
    if bundle is not None:
        (tmp_path / BUNDLE).write_bytes(bundle)
    policy = press.repository.suites[0].provenance
    (told,) = judged(examine([tmp_path / NAME])[0], policy, lambda: verifier).refusals
    assert told.as_json() == {**error, "file": str(tmp_path / NAME)}
    assert press.packages() == before
    # Not even where somebody who guesses its address finds it.
    assert not list(press.store.keys("apt/pool/main/i/")) and not kept(press)
    # Nothing is lost: with the right bundle it is published.
    assert upload(press, GOOD) == "published"


def test_a_statement_nested_as_deep_as_it_likes() -> None:
    with pytest.raises(ProvenanceError, match="malformed") as told:
        statement.check("application/vnd.in-toto+json", b'{"a":' * 9000, SHA256)
    assert told.value.code == "provenance-invalid"


ODD: tuple[Any, ...] = (
    *(None, "", "x", "-1", 0, 2**64, 1e400, True, [], {}, [[]], [{}], "\0", "AAAA", "A" * 9999),
    *(base64.b64encode(each).decode() for each in (b"{}", b"[]", b"null", b"\xff" * 9)),
    base64.b64encode(b'{"a":' * 5000).decode(),
)


@pytest.mark.parametrize("bundle", [GOOD, TRUSTED.sign(IT)])
def test_whatever_stands_at_some_place_of_a_bundle_is_refused(
    verifier: Verifier, bundle: bytes
) -> None:
    """By an error that says so, and by nothing that the library did not promise."""
    chance, refused = random.Random(13), 0
    for place in places(json.loads(bundle)):
        for odd in chance.sample(ODD, 8):
            found = json.loads(bundle)
            holder = functools.reduce(operator.getitem, place[:-1], found)
            holder[place[-1]] = odd
            try:
                verifier.verify(json.dumps(found).encode(), SHA256)
            except ProvenanceError:
                refused += 1
            else:
                # A signature need not say once more of what it is.
                assert (place[-1], odd) == ("messageDigest", None)
    assert refused > 200


def places(found: Any, *above: Any) -> Iterator[tuple[Any, ...]]:
    pairs = found.items() if isinstance(found, dict) else enumerate(found)
    for key, value in pairs:
        yield (*above, key)
        if isinstance(value, dict | list):
            yield from places(value, *above, key)


def test_the_nearest_of_several_is_told_of(guarded: Guarded) -> None:
    press = guarded()
    wrong = [b"{}", TRUSTED.attest(deb("x")), other_build(ref="refs/heads/topic"), b"{}"]
    assert upload(press, b"\n".join(wrong)) == "rejected"
    (error,) = press.result("it")["errors"]
    assert error["code"] == "provenance-identity"


def test_all_that_is_wrong_is_told_at_once(guarded: Guarded) -> None:
    press = guarded()
    press.store.put("staging/stable/main/it/a_1_all.deb.sigstore.json", TRUSTED.attest(IT))
    files = {"a_1_all.deb": deb("a", "1"), "b_1_all.deb": b"no package"}
    assert press.publish(press.upload("it", files)) == "rejected"
    assert {(each["file"], each["code"]) for each in press.result("it")["errors"]} == {
        ("a_1_all.deb", "provenance-digest"),
        ("b_1_all.deb", "deb-malformed"),
        ("b_1_all.deb", "provenance-missing"),
    }


def test_a_bundle_that_is_replaced_while_it_is_read(guarded: Guarded) -> None:
    """What is verified is what is kept, or nothing is."""
    press = guarded()
    get, key = press.store.get, f"staging/stable/main/it/{BUNDLE}"

    def replaced(*wanted: Any, **conditions: Any) -> Any:
        if wanted[0] == key:
            press.store.get = get  # type: ignore[method-assign]
            press.store.put(key, other_build(ref="refs/heads/topic"))
        return get(*wanted, **conditions)

    press.store.get = replaced  # type: ignore[method-assign]
    assert upload(press, GOOD) == "rejected"
    assert [each["code"] for each in press.result("it")["errors"]] == ["file-changed"]


def test_without_the_layer_nothing_is_published(signers: Signers) -> None:
    """A deployment that is not whole: an error that people are told of, and no way around."""
    press = Press(signers, verifier=sigstore.deployed)
    press.configure(provenance=REQUIRED)
    press.set_up()
    with pytest.raises(ConfigError, match="is the layer of provenance attached"):
        upload(press, GOOD)
    assert press.packages() == set()


# Who sends it


def test_the_script_sends_the_bundle_that_lies_beside_a_package(tmp_path: Path) -> None:
    aws = tmp_path / "aws"
    aws.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/asked\n')
    aws.chmod(0o755)
    for name in ("a.deb", "a.deb.sigstore.json", "b.deb", "c.deb.sigstore.json"):
        (tmp_path / name).touch()
    place = ("--bucket", "press", "--suite", "stable", "--no-wait")
    subprocess.run(
        ["sh", paths.ROOT / "clients/upload-debs.sh", *place, "a.deb", "b.deb"],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        check=True,
        timeout=60,
    )
    asked = (tmp_path / "asked").read_text("utf-8").splitlines()
    sent = [line.rpartition("/")[2] for line in asked if line.startswith("s3 cp")]
    assert sent == ["a.deb", "a.deb.sigstore.json", "b.deb"]
    assert "put-object" in asked[-1] and len(asked) == 4


def test_what_github_s_command_downloads_gets_the_name_that_is_sent(tmp_path: Path) -> None:
    """By the commands of the page. `gh` names its file by the sum, and the folder is the one it is
    called in (its manual, "gh attestation download")."""
    (tmp_path / "dist").mkdir()
    for name in ("a", "b c"):
        (tmp_path / f"dist/{name}.deb").write_bytes(name.encode())
    gh = tmp_path / "gh"
    gh.write_text(
        '#!/bin/sh\n[ "$1 $2 $4 $5" = "attestation download --repo my-org/web" ]\n'
        'sum=$(sha256sum "$3" | cut -d " " -f 1); echo "of $3" >"sha256:$sum.jsonl"\n'
    )
    gh.chmod(0o755)
    (script,) = blocks("docs/ci.md", "Proving where a package is from")
    done = sh(f'PATH="{tmp_path}:$PATH"\n{script}', tmp_path, {})
    assert (done.returncode, done.stderr) == (0, "")
    for name in ("a", "b c"):
        path = f"dist/{name}.deb"
        assert (tmp_path / f"{path}.sigstore.json").read_text() == f"of {path}\n"


def test_the_command_sends_it_too(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(IT)
    (tmp_path / "other_1_all.deb").write_bytes(deb("other", "1"))
    (tmp_path / BUNDLE).write_bytes(GOOD)
    packages, refusals = examine([tmp_path / NAME, tmp_path / "other_1_all.deb"])
    assert not refusals
    (found,) = bundles(packages)
    assert (found.name, found.size) == (BUNDLE, len(GOOD))
    assert found.sha256 == hashlib.sha256(GOOD).hexdigest()


# What is told before anything is sent


@pytest.fixture
def sending(
    guarded: Guarded,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., tuple[int, str, str]]:
    """A command upon a package whose bundle lies beside it, and a bucket whose suite requires one;
    gives the exit code, stdout and stderr. Nothing may come into the bucket."""
    press = guarded()
    press.archive.keep_configuration(press.repository)
    press.store.bucket = "press-in-memory"  # type: ignore[attr-defined]
    monkeypatch.setattr(connection, "connect", lambda _arguments: (None, press.store))

    def run(bundle: bytes | None, command: str, *more: str) -> tuple[int, str, str]:
        (tmp_path / NAME).write_bytes(IT)
        (tmp_path / BUNDLE).unlink(missing_ok=True)
        if bundle is not None:
            (tmp_path / BUNDLE).write_bytes(bundle)
        before = len(press.store.log)
        code = main([command, str(tmp_path / NAME), *more], press.clock)
        assert len(press.store.log) == before
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.mark.parametrize("what", ["no bundle at all", "the wrong branch", "an altered statement"])
def test_a_check_says_what_the_press_would_say(
    sending: Any, trust_root: Path, tmp_path: Path, what: str
) -> None:
    bundle, code, words = REFUSED[what]
    checking = ("check", "--suite", "stable", "--trust-root", str(trust_root))
    found, out, err = sending(bundle, *checking)
    assert (found, out) == (1, "") and err.startswith(f"{tmp_path / NAME}: {code}: {BUNDLE} ")
    assert words in err and err.count("\n") == 1


def test_a_check_says_what_is_proven(sending: Any, trust_root: Path, tmp_path: Path) -> None:
    """Without a suite, whoever has built it; and nothing of a package without a bundle."""
    checking = ("check", "--trust-root", str(trust_root))
    good = f"good: {tmp_path / NAME}: it 1 all"
    built = f"built from {REPOSITORY} by {WORKFLOW} at {REF}, commit {COMMIT}, in {RUN}"
    told = (0, f"{good}, {built}, as its bundle proves\n", "")
    assert sending(GOOD, *checking) == sending(GOOD, *checking, "--suite", "stable") == told
    assert sending(None, *checking) == (0, f"{good}\n", "")
    elsewhere = other_build(repository="https://github.com/evil/web")
    assert "built from https://github.com/evil/web by" in sending(elsewhere, *checking)[1]
    found = json.loads(sending(GOOD, *checking, "--json")[1])["packages"][0]["provenance"]
    assert (found["repository"], found["run"]) == (REPOSITORY, RUN)
    assert sending(TRUSTED.attest(deb("x")), *checking)[0] == 1


def test_a_check_without_the_library_verifies_nothing_and_says_so(
    sending: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "sigstore", None)
    monkeypatch.delitem(sys.modules, "debpress.adapters.sigstore")
    monkeypatch.delattr(adapters, "sigstore")
    note = "note: 1 bundle(s) are read and not verified: Sigstore's library is not installed"
    forged = altered(GOOD, "dsseEnvelope", "signatures", 0, "sig")
    code, out, err = sending(forged, "check", "--suite", "stable")
    assert (code, out) == (0, f"good: {tmp_path / NAME}: it 1 all\n")
    assert err.startswith(note) and err.count("\n") == 1
    for bundle in (TRUSTED.attest(deb("x")), TRUSTED.sign(deb("x"))):
        code, out, err = sending(bundle, "check", "--suite", "stable")
        assert (code, out) == (1, "") and "provenance-digest: " in err
    unsaid = json.loads(TRUSTED.sign(IT))
    del unsaid["messageSignature"]["messageDigest"]
    for bundle in (TRUSTED.sign(IT), json.dumps(unsaid).encode()):
        assert sending(bundle, "check")[0] == 0
    code, _, err = sending(None, "check", "--suite", "stable")
    assert code == 1 and "provenance-missing" in err and "note" not in err


@pytest.mark.parametrize(
    "what",
    [
        *("no bundle at all", "an attestation of other bytes", "a signature of other bytes"),
        *("another kind of statement", "what is no JSON", "something huge", "too many"),
        *("what GitHub's API answers", "neither a statement nor a signature"),
    ],
)
def test_an_upload_is_refused_before_it_sends(sending: Any, tmp_path: Path, what: str) -> None:
    """By what needs no library."""
    bundle, code, _ = REFUSED[what]
    found, out, err = sending(bundle, "upload", "--suite", "stable")
    assert (found, out) == (1, "") and err.startswith(f"{tmp_path / NAME}: {code}: {BUNDLE} ")
    assert err.endswith("Nothing was sent: mend what is said above, and run this again.\n")
    assert err.count("\n") == 2


def test_what_an_upload_can_not_tell_is_left_to_the_press(tmp_path: Path) -> None:
    """A signature, a suite without a policy, and all where the configuration can't be read."""
    (tmp_path / NAME).write_bytes(IT)
    packages, _ = examine([tmp_path / NAME])
    assert refused_by(configured(REQUIRED), ["stable"], packages)
    assert not refused_by(configured(POLICY), ["stable"], packages)
    (tmp_path / BUNDLE).write_bytes(other_build(repository="https://github.com/evil/web"))
    assert not refused_by(configured(REQUIRED), ["stable"], packages)
    (tmp_path / BUNDLE).write_bytes(b"whatever")
    assert refused_by(configured(POLICY), ["stable"], packages)
    plain = config.parse({"suites": [{"suite": "stable", "architectures": ["amd64"]}]})
    assert not refused_by(plain, ["stable"], packages)
    assert not refused_by(plain, ["other"], packages) and not refused_by(None, ["stable"], packages)


def test_whoever_may_not_read_the_configuration_knows_none(press: Press) -> None:
    press.archive.keep_configuration(press.repository)
    assert known(press.store) == press.repository
    get, code = press.store.get, "AccessDenied"

    def failing(key: str, *more: Any, **conditions: Any) -> Any:
        answer = ClientError({"Error": {"Code": code, "Message": ""}}, "GetObject")
        with aws.translated(f"read {key}", "the role"):
            raise answer

    press.store.get = failing  # type: ignore[method-assign]
    assert known(press.store) is None
    code = "SlowDown"
    assert known(press.store) is None
    code = "NoSuchBucket"
    with pytest.raises(StoreError):
        known(press.store)
    press.store.get = get  # type: ignore[method-assign]
    press.store.put(Layout.repository(), b'{"of": "a later version"}')
    assert known(press.store) is None


# What operators see


def test_without_the_library_one_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sigstore", None)
    monkeypatch.delitem(sys.modules, "debpress.adapters.sigstore")
    with pytest.raises(ConfigError, match=r"pip install .sigstore"):
        importlib.import_module("debpress.adapters.sigstore")


@pytest.fixture
def command(
    guarded: Guarded, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[Press, Callable[..., tuple[int, str]]]:
    """A press with one proven package, and a command line that reads its bucket."""
    press = guarded()
    assert upload(press, GOOD) == "published"
    press.store.bucket = "press-in-memory"  # type: ignore[attr-defined]
    monkeypatch.setattr(connection, "connect", lambda _arguments: (None, press.store))
    certificates = b"".join(press.signers.certificates())

    def run(*arguments: str) -> tuple[int, str]:
        press.archive.keep_configuration(press.repository)
        publish(press.archive, press.repository, "https://h.example", certificates)
        press.clock.sleep(60)
        code = main(arguments, press.clock)
        return code, capsys.readouterr().out

    return press, run


def test_show_says_where_a_package_is_from(command: Any) -> None:
    press, run = command
    key = Layout.provenance(SHA256, hashlib.sha256(GOOD).hexdigest())
    code, out = run("show", "it")
    assert code == 0
    published = f"published: {iso(press.release().date)} (generation 2, batch stable/main/it)"
    assert f"\n{published}\norigin: {BUILT}\nproof: {key}\n" in out
    code, out = run("show", "it", "--json")
    (found,) = json.loads(out)[0]["provenance"]
    assert found == {
        "bundle": key,
        "issuer": GITHUB,
        "repository": REPOSITORY,
        "workflow": WORKFLOW,
        "ref": REF,
        "commit": COMMIT,
        "run": RUN,
    }


def test_history_says_where_packages_are_from_and_who_answers_for_them(command: Any) -> None:
    press, run = command
    assert listed_by_an_operator(press, "vouched") == "published"
    several = {f"{name}_1_all.deb": deb(name, "1") for name in "abcdef"}
    for name in several:
        bundle = TRUSTED.attest(*several.values())
        press.store.put(f"staging/stable/main/six/{name}.sigstore.json", bundle)
    assert press.publish(press.upload("six", several)) == "published"
    code, out = run("history", "--suite", "stable")
    assert code == 0
    assert f"  a 1, b 1, c 1, 3 more: {BUILT}\n" in out
    assert f"  it 1: {BUILT}\n" in out
    word = "not proven where it was built: an operator answers for it"
    assert f"  vouched 1: {word}\n" in out
    assert f"\norigin: {word}\n" in run("show", "vouched")[1]
    flips = json.loads(run("history", "--suite", "stable", "--json")[1])
    told = {c["package"]: c for flip in flips for c in flip["changes"]}
    assert told["it"]["provenance"]["run"] == RUN and told["it"]["batch"] == "stable/main/it"
    assert told["vouched"]["vouched_by"] == "operator" and "provenance" not in told["vouched"]


def test_show_says_who_published_it(
    press: Press, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An uploader, or an operator by a copy; or that it was too long ago to be looked for."""
    web = {"name": "web", "packages": ["web"], "publishes": ["stable/main"]}
    press.repository = config.parse({**SUITES, "uploaders": [web]})
    press.archive.keep_configuration(press.repository)
    press.store.bucket = "press-in-memory"  # type: ignore[attr-defined]
    monkeypatch.setattr(connection, "connect", lambda _arguments: (None, press.store))

    def shown(*more: str) -> str:
        assert main(["show", "web", *more], press.clock) == 0
        return capsys.readouterr().out

    assert press.publish(press.upload("web.1", {"web_1_all.deb": deb("web", "1")})) == "published"
    assert " by web (generation 2, batch stable/main/web.1)\n" in shown()
    assert main(["history", "--suite", "stable"], press.clock) == 0
    assert "  batch  stable/main/web.1 (published by web)\n" in capsys.readouterr().out
    copied = {"op": "copy", "from": {"suite": "stable", "component": "main"}, "packages": ["web"]}
    assert press.publish(press.operate("o1", copied, suite="testing")) == "published"
    assert " (generation 2, copy testing/main/o1)\n" in shown("--suite", "testing")
    monkeypatch.setattr(show, "_MOST_FLIPS", 1)
    press.set_up()
    assert "published: more than 1 releases ago" in shown("--suite", "stable")


def test_verify_proves_all_of_it_again(command: Any, trust_root: Path) -> None:
    press, run = command
    proving = ("verify", "--provenance", "--trust-root", str(trust_root))
    code, out = run(*proving)
    assert (code, "nothing wrong" in out) == (0, True), out
    # By the keys of the public instance, which have not signed it.
    code, out = run("verify", "--provenance")
    assert code == 1 and "wrong: stable: it 1 (all) has provenance that does not verify" in out
    # By another policy than it was published by.
    press.configure(provenance={**REQUIRED, "ref": "refs/heads/main"})
    code, out = run(*proving)
    assert code == 1 and "the ref 'refs/tags/v1.0' in place of refs/heads/main" in out
    press.configure(provenance=REQUIRED)
    (key,) = kept(press)
    press.store.put(key, other_build(ref="refs/tags/v2"))
    code, out = run(*proving)
    assert code == 1 and f"gone or altered: {key} is not what its name says" in out
    press.store.delete(key)
    code, out = run(*proving)
    assert code == 1 and "it 1 (all) has no provenance, and the suite requires it" in out
    # What an operator answers for, in whichever generation, is told, and not wrong.
    assert listed_by_an_operator(press, "vouched") == "published"
    press.beat()
    code, out = run(*proving)
    assert code == 1 and out.count("wrong: ") == 1 and "vouched 1 (all)" not in out
    assert "note: 1 packages of stable, such as apt/pool/main/v/vouched/" in out
    removal = {"op": "remove", "packages": ["vouched"]}
    assert press.publish(press.operate("o1", removal)) == "published"
    press.configure(provenance=POLICY)
    code, out = run(*proving)
    assert code == 0 and "note: 1 packages of stable, such as apt/pool/main/i/it/" in out
    press.configure()
    code, out = run(*proving)
    assert code == 0 and "note: no suite has a provenance policy" in out


@pytest.mark.parametrize("text", ["", "{}\n{}", '{"mediaType": "other"}', "[]"])
def test_what_is_no_trust_root(command: Any, tmp_path: Path, text: str) -> None:
    _, run = command
    (tmp_path / "root.json").write_text(text)
    assert run("verify", "--provenance", "--trust-root", str(tmp_path / "root.json"))[0] == 1


# The policy


def configured(policy: Any) -> config.Repository:
    suite = {"suite": "stable", "architectures": ["amd64"], "provenance": policy}
    return config.parse({"suites": [suite]})


def test_a_policy_names_one_identity_or_several() -> None:
    one = Identity(REPOSITORY, WORKFLOW, "refs/tags/v*")
    assert configured(REQUIRED).suites[0].provenance == Policy((one,), require=True)
    gitlab = {
        "repository": "https://gitlab.example/group/sub/tools",
        "workflow": ".gitlab-ci.yml",
        "ref": "refs/heads/main",
        "issuer": "https://gitlab.example",
    }
    several = configured({"identities": [POLICY, gitlab]})
    assert several.suites[0].provenance == Policy((one, Identity(**gitlab)))
    assert config.parse(config.as_json(several)) == several


@pytest.mark.parametrize(
    ("policy", "named"),
    [
        ({}, "repository"),
        ({"require": True}, "repository"),
        ({**POLICY, "require": "yes"}, "require"),
        ({**POLICY, "branch": "main"}, "branch"),
        ({**POLICY, "repository": "my-org/*"}, "repository"),
        ({**POLICY, "repository": "https://github.com/my-org/web/"}, "repository"),
        ({**POLICY, "workflow": "*"}, "workflow"),
        ({**POLICY, "ref": "*"}, "ref"),
        ({**POLICY, "ref": "main"}, "ref"),
        ({**POLICY, "ref": "refs/pull/1/merge"}, "ref"),
        ({**POLICY, "ref": "refs/pull/{*}/merge"}, "ref"),
        ({**POLICY, "ref": "refs/heads/{*}"}, "ref"),
        ({"identities": []}, "identities"),
        ({"identities": [POLICY], **POLICY}, "repository: is unknown"),
        ({"identities": [{**POLICY, "require": True}]}, r"identities\[0\].require"),
    ],
)
def test_a_policy_that_is_none(policy: Any, named: str) -> None:
    with pytest.raises(ConfigError, match=rf"suites\[0\]\.provenance\.{named}"):
        configured(policy)


@pytest.mark.parametrize(
    ("ref", "said", "fits"),
    [
        ("refs/tags/v*", "refs/tags/v1", True),
        ("refs/tags/v*", "refs/tags/1", False),
        ("refs/tags/v*", "refs/heads/refs/tags/v1", False),
        ("refs/heads/release/*", "refs/heads/release/1/x", True),
        ("refs/heads/main", "refs/heads/main2", False),
        ("refs/heads/a.c", "refs/heads/abc", False),
        ("refs/heads/main", "refs/heads/main\n", False),
    ],
)
def test_refs(ref: str, said: str, fits: bool) -> None:
    claims = Claims(GITHUB, REPOSITORY, WORKFLOW, said, "", "")
    misfit = Policy((Identity(REPOSITORY, WORKFLOW, ref),)).misfit(claims)
    assert (misfit is None) == fits


def of_pulls(ref: str) -> config.Repository:
    stable = {"suite": "stable", "architectures": ["amd64"]}
    pulls = {**stable, "suite": "pr-*", "provenance": {**REQUIRED, "ref": ref}}
    return config.parse({"suites": [stable, pulls]})


@pytest.mark.parametrize(
    ("ref", "said", "fits"),
    [
        ("refs/pull/{*}/merge", "refs/pull/17/merge", True),
        ("refs/pull/{*}/merge", "refs/pull/1/merge", False),
        ("refs/pull/{*}/merge", "refs/pull/117/merge", False),
        ("refs/pull/{*}/merge", "refs/pull/{17}/merge", False),
        ("refs/pull/{*}/merge", "refs/heads/main", False),
        ("refs/heads/{*}", "refs/heads/17", True),
        ("refs/heads/{*}", "refs/heads/17/x", False),
        ("refs/heads/{*}/*", "refs/heads/17/x", True),
        ("refs/heads/*", "refs/heads/any", True),
    ],
)
def test_a_suite_of_a_pattern_takes_the_builds_of_its_own_ref(
    ref: str, said: str, fits: bool
) -> None:
    repository = of_pulls(ref)
    suite = repository.suite("pr-17")
    assert suite and suite.provenance
    misfit = suite.provenance.misfit(Claims(GITHUB, REPOSITORY, WORKFLOW, said, "", ""))
    assert (misfit is None) == fits
    assert repository.verifies
    assert config.parse(config.as_json(repository)) == repository


def test_one_pull_request_publishes_to_no_other_ones_suite(verifier: Verifier) -> None:
    repository = of_pulls("refs/pull/{*}/merge")
    press = Press(scenes.signers(), repository=repository, verifier=lambda: verifier)
    quick_signers(press.archive)
    press.set_up()
    press.clock.sleep(600)
    bundle = other_build(ref="refs/pull/17/merge")
    for suite, answer in (("pr-1", "rejected"), ("pr-17", "published"), ("pr-18", "rejected")):
        press.store.put(f"staging/{suite}/main/it/{BUNDLE}", bundle)
        assert press.publish(press.upload("it", {NAME: IT}, suite=suite)) == answer
        errors = [each["code"] for each in press.result("it", suite)["errors"]]
        assert errors == ["provenance-identity"] * (answer == "rejected")


def test_a_pattern_itself_has_no_builds() -> None:
    """Nothing publishes by it; and should something, the `{*}` fits no ref."""
    proven = of_pulls("refs/pull/{*}/merge").patterns[0].provenance
    assert proven and proven.misfit(
        Claims(GITHUB, REPOSITORY, WORKFLOW, "refs/pull/1/merge", "", "")
    )


@pytest.mark.parametrize(
    "ref", ["refs/pull/*/merge", "refs/pull/1/merge", "refs/pull/{*}/head", "refs/pull/{*}/*"]
)
def test_no_other_pull_requests_ref_is_a_suites(ref: str) -> None:
    with pytest.raises(ConfigError, match=r"suites\[1\]\.provenance\.ref"):
        of_pulls(ref)


def test_claims_of_whatever_length(verifier: Verifier) -> None:
    """DER has other forms of length from 128 bytes on, and from 256."""
    for length in (100, 127, 128, 200, 255, 256, 3000):
        ref = f"refs/tags/{'v' * (length - 10)}"
        assert verifier.verify(other_build(ref=ref), SHA256).ref == ref


def test_gitlab_has_two_slashes(verifier: Verifier) -> None:
    project = "https://gitlab.com/group/tools"
    said = {8: "https://gitlab.com", 12: project, 18: f"{project}//.gitlab-ci.yml@refs/heads/main"}
    assert verifier.verify(TRUSTED.attest(IT, of=said), SHA256).workflow == ".gitlab-ci.yml"


def test_a_certificate_whose_extensions_are_broken_is_refused_in_words() -> None:
    key, name, day = ec.generate_private_key(ec.SECP256R1()), x509.Name([]), datetime(2026, 1, 1)
    broken = x509.UnrecognizedExtension(x509.OID_SUBJECT_ALTERNATIVE_NAME, b"\x30\x02\xa4\x00")
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, day, day)
    made = builder.add_extension(broken, critical=False).sign(key, hashes.SHA256())
    with pytest.raises(ProvenanceError, match="extensions can't be read; attest"):
        claims_of(made)
