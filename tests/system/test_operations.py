"""Life after publishing, by the operators' own command and as hosts see it: remove, copy, prune,
reap, roll back, look, and verify."""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from debpress.layout import Batch

from local import debs as real
from local.apt_root import AptRoot
from local.ci import Ci, sha256
from local.stack import Stack
from tests.support.documents import blocks, sh
from tests.support.operator import Debpress, functions, invoke
from tests.support.press import deb, debs
from tests.support.uploads import Uploads

Host = Callable[..., AptRoot]

# Oldest first. By name `1.9` would be newer than `1.10`, and `1:0.1` the oldest of all.
VERSIONS = ["1.0~rc1", "1.0", "1.9", *(f"1.{n}" for n in range(10, 28)), "1:0.1"]
KEEP = 20  # the default
RUNBOOK = "docs/runbook.md"


@pytest.fixture(scope="module")
def uploads(stack: Stack, ci: Ci) -> Uploads:
    return Uploads(stack, ci)


@pytest.fixture(scope="module")
def debpress(uploads: Uploads) -> Debpress:
    return Debpress(uploads)


def updated(host: AptRoot) -> AptRoot:
    host.update().clean()
    return host


def test_remove_takes_out_what_was_named_and_nothing_that_is_needed(
    uploads: Uploads, debpress: Debpress, host: Host
) -> None:
    files = debs(*(("gone", version, "all") for version in ("1.0", "1.9", "1.10", "2.0")))
    files["gone-user_1_all.deb"] = deb("gone-user", "1", extra="Depends: gone (= 1.9)\n")
    uploads.publish(Batch("stable", "main", "gone"), files)
    before = uploads.generation("stable")
    old = ("gone (<< 2.0)", "--suite", "stable")

    assert "dependency-broken" in debpress.refused("remove", *old)
    plan = debpress.json("remove", "gone-user", *old, "--dry-run")
    assert updated(host()).versions("gone") == ["2.0", "1.10", "1.9", "1.0"]
    assert uploads.generation("stable") == before
    result = debpress.json("remove", "gone-user", *old)

    assert result["status"] == "published"
    removed = {(p["package"], p["version"]) for p in result["packages"]}
    assert removed == {("gone", "1.0"), ("gone", "1.9"), ("gone", "1.10"), ("gone-user", "1")}
    assert removed == {(p["package"], p["version"]) for p in plan["packages"]}
    for architecture in ("amd64", "arm64"):
        reader = updated(host(architecture=architecture))
        assert reader.versions("gone") == ["2.0"]
        assert reader.versions("gone-user") == []


def test_copy_promotes_several_packages_in_one_flip_and_moves_no_byte(
    uploads: Uploads, debpress: Debpress, host: Host
) -> None:
    files = debs(("moved", "1.0", "all"), ("moved", "1.1", "all"), ("moved-bin", "1.1", "amd64"))
    published = uploads.publish(Batch("testing", "extra", "moved"), files)
    listed = uploads.s3.get_paginator("list_objects_v2")
    pool = {"Bucket": uploads.bucket, "Prefix": f"{uploads.stack.outputs.root}/pool/"}
    held = [o["Key"] for page in listed.paginate(**pool) for o in page["Contents"]]
    before = uploads.generation("stable")
    promoted = ("copy", "moved", "moved-bin=1.1", "--from", "testing", "--from-component", "extra")

    result = debpress.json(*promoted, "--to", "stable")

    assert result["generation"] == uploads.generation("stable") == before + 1
    names = {p["filename"] for p in published["packages"] if p["version"] == "1.1"}
    assert {p["filename"] for p in result["packages"]} == names
    assert [o["Key"] for page in listed.paginate(**pool) for o in page["Contents"]] == held
    reader = updated(host("stable"))
    assert reader.versions("moved") == ["1.1"]
    assert len(reader.download("moved", "moved-bin")) == 2
    assert "package-unknown" in debpress.refused(
        *promoted[:1], "nowhere", *promoted[3:], "--to", "stable"
    )


def test_a_prune_keeps_the_newest_by_debians_order_and_strands_no_host(
    stack: Stack, uploads: Uploads, debpress: Debpress, host: Host, tmp_path: Path
) -> None:
    # One that can be installed.
    oldest = real.build(tmp_path, "pruned", VERSIONS[0])
    uploads.publish(Batch("testing", "main", "pruned"), {oldest.name: oldest.read_bytes()})
    shuffled = random.Random(5).sample(VERSIONS[1:], len(VERSIONS) - 1)
    for name, some in (("one", shuffled[:9]), ("two", shuffled[9:])):
        files = debs(*(("pruned", version, "all") for version in some))
        uploads.publish(Batch("testing", "main", f"pruned-{name}"), files)
    between = updated(host("testing"))
    assert between.versions("pruned") == VERSIONS[::-1]
    prune = stack.outputs.prune_function

    planned = invoke(stack, prune, dry_run=True)

    # Others' tests published before this one, and too many of something perhaps.
    ours = {s: [p for p in plan if p["package"] == "pruned"] for s, plan in planned.items()}
    assert {s: len(p) for s, p in ours.items()} == {"stable": 0, "testing": 2, "fresh": 0}
    said = debpress.json("prune", "--suite", "testing", "--dry-run")
    assert said["packages"] == planned["testing"]
    assert updated(host("testing")).versions("pruned") == VERSIONS[::-1]

    requested = [json_of(uploads, key) for key in invoke(stack, prune)["requested"]]

    assert [result["status"] for result in requested] == ["published"] * 3
    assert {r["batch"]["suite"]: r["packages"] for r in requested} == planned
    assert {p["version"] for p in ours["testing"]} == set(VERSIONS[:-KEEP]) == {"1.0~rc1", "1.0"}
    assert updated(host("testing")).versions("pruned") == VERSIONS[: -KEEP - 1 : -1]

    # What was un-named stays for the grace: who knows of it still gets it, reaper or not.
    [reap] = [name for name in functions(stack) if "Reap" in name]
    assert invoke(stack, reap) == {"objects": 0, "bytes": 0, "left": 0}
    assert len(between.download(*(f"pruned={version}" for version in VERSIONS))) == len(VERSIONS)
    between.install(f"pruned={VERSIONS[0]}").clean()
    assert between.installed("pruned") == VERSIONS[0]
    again = uploads.generation("testing")
    assert "nothing left to do" in debpress("prune", "--suite", "testing")
    assert uploads.generation("testing") == again


def test_a_prune_and_a_publish_at_once_lose_nothing(
    uploads: Uploads, debpress: Debpress, host: Host
) -> None:
    *known, newest = VERSIONS
    uploads.publish(
        Batch("testing", "main", "raced"), debs(*(("raced", version, "all") for version in known))
    )
    late = uploads.put(Batch("testing", "main", "raced-late"), debs(("raced", newest, "all")))

    with ThreadPoolExecutor(1) as other:
        pruned = other.submit(debpress, "prune", "--suite", "testing")
        uploads.send(late)
        assert uploads.result(late)["status"] == "published"
        pruned.result()

    # Whoever came first: the oldest is gone, the newest is there, and what is between.
    reader = updated(host("testing"))
    assert reader.versions("raced") in (VERSIONS[:0:-1], VERSIONS[: -KEEP - 1 : -1])
    debpress("prune", "--suite", "testing")
    assert updated(reader).versions("raced") == VERSIONS[: -KEEP - 1 : -1]


def json_of(uploads: Uploads, key: str) -> Any:
    """A result, once it is there."""
    where = {"Bucket": uploads.bucket, "Key": key}
    uploads.s3.get_waiter("object_exists").wait(**where, WaiterConfig={"Delay": 1})
    return json.loads(uploads.s3.get_object(**where)["Body"].read())


def candidate(host: AptRoot, package: str) -> str:
    found = re.search(r"Candidate: (\S+)", host.policy(package).clean().out)
    assert found is not None
    return found[1]


def test_a_host_that_has_updated_sees_a_rollback(
    uploads: Uploads, debpress: Debpress, host: Host
) -> None:
    first = uploads.publish(Batch("testing", "main", "turn-1"), debs(("turn", "1", "all")))
    reader = updated(host("testing"))
    second = uploads.publish(Batch("testing", "main", "turn-2"), debs(("turn", "2", "all")))
    assert candidate(updated(reader), "turn") == "2"
    back = ("rollback", "--suite", "testing", "--to")

    result = debpress.json(*back, str(first["generation"]))

    assert result["generation"] == second["generation"] + 1
    assert [(p["version"], p["action"]) for p in result["packages"]] == [("2", "removed")]
    assert candidate(updated(reader), "turn") == "1"
    [fetched] = reader.download("turn")
    assert sha256(fetched) == first["packages"][0]["sha256"]
    assert "generation-unknown" in debpress.refused(*back, "99999")
    # And forth again.
    debpress(*back, str(second["generation"]))
    assert candidate(updated(reader), "turn") == "2"


def test_what_was_uploaded_can_be_looked_at(
    uploads: Uploads, debpress: Debpress, tmp_path: Path
) -> None:
    files = [real.build(tmp_path, "looked-at", version) for version in ("1.0~rc1", "1:0.1")]
    place = ("--suite", "stable", "--component", "extra")

    uploaded = debpress.run("upload", *map(str, files), *place, "--batch", "looked-at")

    assert uploaded.returncode == 0, uploaded
    generation = uploads.generation("stable")
    assert f"stable/extra/looked-at: published in generation {generation}" in uploaded.stdout
    listed = [
        line.split() for line in debpress("list", "looked-*", "--suite", "stable").splitlines()
    ]
    assert [line[:4] for line in listed] == [
        ["looked-at", version, "all", "extra"] for version in ("1:0.1", "1.0~rc1")
    ]
    shown = debpress("show", "looked-at=1:0.1")
    assert "Version: 1:0.1\n" in shown
    assert f"SHA256: {sha256(files[1])}" in shown
    [flip] = debpress.json("history", "--suite", "stable", "--package", "looked-at")
    assert (flip["number"], flip["cause"]) == (generation, "batch")
    assert flip["batches"] == ["stable/extra/looked-at"]
    assert {c["version"] for c in flip["changes"]} == {"1.0~rc1", "1:0.1"}
    [status] = debpress.json("status", "--suite", "stable")
    assert (status["generation"], status["waiting"]) == (generation, [])
    assert f"stable: generation {generation}, InRelease of" in debpress("status")
    assert "looked-at" in debpress.refused("show", "looked-at=3")


@contextmanager
def put_back(uploads: Uploads, keys: list[str]) -> Iterator[None]:
    """Afterwards these are again what they are now, in the way an operator would do it."""

    def versions() -> set[tuple[str, str]]:
        pages = [uploads.s3.list_object_versions(Bucket=uploads.bucket, Prefix=key) for key in keys]
        found = [e for p in pages for e in (*p.get("Versions", ()), *p.get("DeleteMarkers", ()))]
        return {(each["Key"], each["VersionId"]) for each in found}

    before = versions()
    try:
        yield
    finally:
        for key, version in versions() - before:
            uploads.s3.delete_object(Bucket=uploads.bucket, Key=key, VersionId=version)


def test_verify_finds_nothing_wrong_after_all_this_and_names_what_is(
    uploads: Uploads, debpress: Debpress
) -> None:
    root, s3, bucket = uploads.stack.outputs.root, uploads.s3, uploads.bucket
    result = uploads.publish(
        Batch("testing", "main", "damaged"), debs(*((f"damaged{n}", "1", "all") for n in range(2)))
    )
    lost, flipped = (f"{root}/{p['filename']}" for p in result["packages"])
    folder = f"{root}/dists/fresh/main/binary-amd64"
    packages = f"{folder}/Packages.gz"
    inrelease = s3.get_object(Bucket=bucket, Key=f"{root}/dists/fresh/InRelease")["Body"].read()
    listed = re.search(rb"([0-9a-f]{64}) +\d+ main/binary-amd64/Packages\.xz", inrelease)
    assert listed is not None
    by_hash = f"{folder}/by-hash/SHA256/{listed[1].decode()}"
    assert "nothing wrong" in debpress("verify", "--deep")

    with put_back(uploads, [lost, flipped, by_hash, packages]):
        body = bytearray(s3.get_object(Bucket=bucket, Key=flipped)["Body"].read())
        body[-9] ^= 1
        s3.put_object(Bucket=bucket, Key=flipped, Body=bytes(body))
        s3.put_object(Bucket=bucket, Key=packages, Body=b"edited")
        s3.delete_object(Bucket=bucket, Key=lost)
        s3.delete_object(Bucket=bucket, Key=by_hash)
        found = debpress.run("verify", "--deep")

    assert (found.returncode, found.stderr) == (1, "")
    wrong = [line for line in found.stdout.splitlines() if line.startswith("wrong: ")]
    assert sorted(line.split()[2:6] for line in wrong) == sorted(
        [
            [lost, "is", "not", "there,"],
            [flipped, "has", "SHA-256", hashlib.sha256(body).hexdigest() + ","],
            [by_hash, "is", "not", "there,"],
            [packages, "has", "other", "bytes"],
        ]
    )
    assert "nothing wrong" in debpress("verify", "--deep")


def test_a_host_that_reads_a_snapshot_stays_where_it_was(
    uploads: Uploads, debpress: Debpress, host: Host, tmp_path: Path
) -> None:
    old = real.build(tmp_path, "kept", "1.0")
    first = uploads.publish(Batch("testing", "main", "kept-1"), {old.name: old.read_bytes()})
    suite = ("--suite", "testing")

    said = debpress("snapshot", *suite, "--keep", "2")
    inrelease = uploads.generation("testing")
    debpress("remove", "kept", *suite)
    uploads.publish(Batch("testing", "main", "kept-2"), debs(("kept", "2.0", "all")))
    again = debpress.json("snapshot", *suite, "--generation", str(first["generation"]))

    path = said.splitlines()[-1].removeprefix("Suites: ")
    assert inrelease == first["generation"]
    assert (again["generation"], again["status"]) == (inrelease, "published")
    assert updated(host("testing")).versions("kept") == ["2.0"]
    for snapshot in (path, again["snapshot"]):
        reader = updated(host(snapshot))
        assert reader.versions("kept") == ["1.0"]
    reader.install("kept").clean()
    assert reader.installed("kept") == "1.0"
    listed = [line.split() for line in debpress("list", "kept", "--suite", path).splitlines()]
    assert [line[:2] for line in listed] == [["kept", "1.0"]]
    [status] = debpress.json("status", *suite)
    assert {s["path"] for s in status["snapshots"]} == {path, again["snapshot"]}
    assert "nothing wrong" in debpress("verify", "--suite", path)
    assert "generation-unknown" in debpress.refused("snapshot", *suite, "--generation", "9999")


def test_what_somebody_deleted_comes_back_as_the_runbook_says(
    stack: Stack, uploads: Uploads, debpress: Debpress, host: Host, tmp_path: Path
) -> None:
    """By the very commands of the page; the versions of an object are listed by another one."""
    (versions,) = blocks(RUNBOOK, "Restoring what was deleted or replaced")
    _, look, mend = blocks(RUNBOOK, "Somebody deleted the pool")
    (without, *_) = blocks(RUNBOOK, "Guards that were taken out")
    policy = json.loads(uploads.s3.get_bucket_policy(Bucket=uploads.bucket)["Policy"])
    package = real.build(tmp_path, "mistake", "1.0")
    files = {package.name: package.read_bytes()}
    result = uploads.publish(Batch("testing", "extra", "mistake"), files)
    root = stack.outputs.root
    found = uploads.s3.list_objects_v2(
        Bucket=uploads.bucket, Prefix=f"{root}/dists/testing/extra/binary-amd64/by-hash/"
    )
    keys = [f"{root}/{each['filename']}" for each in result["packages"]]
    keys += [each["Key"] for each in found["Contents"]]
    for key in keys:
        uploads.s3.delete_object(Bucket=uploads.bucket, Key=key)

    def typed(script: str) -> str:
        names = f"bucket={uploads.bucket}\nkey={keys[0]}\n{without.partition('aws ')[0]}"
        environment = {**uploads.ci.environment, "DEBPRESS_BUCKET": uploads.bucket}
        done = sh(names + script, tmp_path, environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    planned = debpress.json("restore", "--suite", "testing", "--dry-run")
    assert planned["untold"] == ["testing"] and not planned["lost"]
    assert "testing" in typed(look)
    assert len(json.loads(typed(versions))["DeleteMarkers"]) == 1
    assert "nothing wrong" in typed(mend)

    after = uploads.s3.get_bucket_policy(Bucket=uploads.bucket)["Policy"]
    assert json.loads(after) == policy
    assert debpress.json("verify", "--suite", "testing", "--deep")["good"]
    assert len(updated(host("testing", "extra")).download("mistake")) == 1
    assert debpress.json("restore", "--suite", "testing") == {"back": [], "lost": [], "untold": []}


def test_another_bucket_follows_and_hosts_read_it(
    stack: Stack, uploads: Uploads, debpress: Debpress, key: Path, tmp_path: Path
) -> None:
    uploads.s3.create_bucket(Bucket="elsewhere")
    uploads.s3.put_bucket_versioning(
        Bucket="elsewhere", VersioningConfiguration={"Status": "Enabled"}
    )
    package = real.build(tmp_path, "mirrored", "1.0")
    files = {package.name: package.read_bytes()}
    uploads.publish(Batch("testing", "extra", "mirrored"), files)

    first = debpress.json("mirror", "--to", "elsewhere", "--tidy")
    again = debpress.json("mirror", "--to", "elsewhere")

    assert first["suites"]["testing"]["flipped"] and first["tidy"]["copied"] > 0
    assert again["suites"]["testing"] == {
        **first["suites"]["testing"],
        "flipped": False,
        "copied": 0,
    }
    uri = f"{stack.outputs.endpoint_url}/elsewhere/{stack.outputs.root}"
    reader = AptRoot(tmp_path / "host", f"deb [signed-by={key}] {uri} testing extra", "amd64")
    assert updated(reader).versions("mirrored") == ["1.0"]
    assert len(reader.download("mirrored")) == 1
