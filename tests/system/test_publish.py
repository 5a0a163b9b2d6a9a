"""From `aws s3 cp` to what a real apt sees: the issue's own sentences, each as a test."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from local import corpus, debs
from local.apt_root import AptRoot
from local.ci import Ci, manifest_json, sha256
from local.stack import Stack
from tests.conftest import ARCHITECTURES, COMPONENTS, SUITES
from tests.support.manifests import changes, sha256sums

SUITE = SUITES[0]
Host = Callable[..., AptRoot]


def three(folder: Path, stem: str, version: str = "1.0", content: str = "") -> list[Path]:
    """A package for amd64, one for arm64, one for all."""
    return [
        debs.build(folder, f"{stem}-{architecture}", version, architecture, content=content)
        for architecture in (*ARCHITECTURES, "all")
    ]


def write(kind: str, files: Sequence[Path], place: Path) -> Path:
    """The manifest of these files, in one of the three spellings."""
    place.mkdir(parents=True, exist_ok=True)
    if kind == "changes":
        return changes(files, place)
    text = {"manifest.json": manifest_json, "SHA256SUMS": sha256sums}[kind](files)
    (place / kind).write_text(text)
    return place / kind


def publish(
    ci: Ci, files: Sequence[Path], place: Path, suite: str, component: str, batch: str
) -> dict[str, Any]:
    """Uploads a batch, its manifest last, and waits for its result."""
    manifest = write("manifest.json", files, place)
    ci.copy([*files, manifest], suite, component, batch)
    return ci.wait(suite, component, batch, ci.etag(suite, component, batch, manifest.name))


def seen(host: AptRoot, stem: str) -> list[str]:
    """The packages of this stem that apt sees after an update that complains of nothing."""
    host.update().clean()
    return [name for name in host.packages() if name.startswith(f"{stem}-")]


def test_a_fresh_suite_updates_cleanly_before_anything_is_published(host: Host) -> None:
    for architecture in ARCHITECTURES:
        fresh = host("fresh", " ".join(COMPONENTS), architecture)
        assert fresh.update().clean().code == 0
        assert fresh.packages() == []


@pytest.mark.parametrize("kind", ["manifest.json", "SHA256SUMS", "changes"])
def test_three_packages_are_visible_to_each_architecture_within_ten_seconds(
    kind: str, ci: Ci, host: Host, tmp_path: Path
) -> None:
    stem = f"three-{kind.replace('.', '-').lower()}"
    files = three(tmp_path / "debs", stem)
    manifest = write(kind, files, tmp_path)
    before = {each: host(architecture=each) for each in ARCHITECTURES}
    for each in before.values():
        assert seen(each, stem) == []

    ci.copy([*files, manifest], SUITE, "main", stem)
    etag = ci.etag(SUITE, "main", stem, manifest.name)
    result = ci.wait(SUITE, "main", stem, etag, seconds=10)

    assert result["status"] == "published"
    assert {p["package"]: p["action"] for p in result["packages"]} == {
        f"{stem}-{each}": "added" for each in (*ARCHITECTURES, "all")
    }
    assert {p["sha256"] for p in result["packages"]} == {sha256(file) for file in files}
    for architecture, each in before.items():
        assert seen(each, stem) == sorted([f"{stem}-all", f"{stem}-{architecture}"])
        fetched = each.download(f"{stem}-all", f"{stem}-{architecture}")
        assert {sha256(file) for file in fetched} <= {sha256(file) for file in files}
    both = host(architecture="amd64", foreign=("arm64",))
    assert len(seen(both, stem)) == 3


def test_a_wrong_sum_rejects_the_whole_batch_which_can_be_mended(
    ci: Ci, host: Host, tmp_path: Path
) -> None:
    files = three(tmp_path / "debs", "mended")
    wrong = json.loads(manifest_json(files))
    wrong["files"][0]["sha256"] = "0" * 64
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps(wrong))
    ci.copy([*files, manifest], SUITE, "main", "mended")

    rejected = ci.wait(SUITE, "main", "mended", ci.etag(SUITE, "main", "mended", manifest.name))

    assert rejected["status"] == "rejected"
    [error] = rejected["errors"]
    assert (error["file"], error["code"]) == (files[0].name, "sum-mismatch")
    assert sha256(files[0]) in error["message"]
    assert seen(host(), "mended") == []

    mended = publish(ci, files, tmp_path, SUITE, "main", "mended")

    assert (mended["status"], mended["errors"]) == ("published", [])
    assert seen(host(), "mended") == ["mended-all", "mended-amd64"]


def test_every_wrong_file_of_a_batch_is_named(ci: Ci, host: Host, tmp_path: Path) -> None:
    rejected = reject(ci, tmp_path, "wrong")

    assert [(e["file"], e["code"]) for e in rejected["errors"]] == [
        (f"wrong-{each}_1.0_{each}.deb", "sum-mismatch") for each in ARCHITECTURES
    ]
    assert seen(host(), "wrong") == []


def test_a_missing_file_and_a_wrong_one_are_named_together(ci: Ci, tmp_path: Path) -> None:
    rejected = reject(ci, tmp_path, "both", {"name": "absent_1.0_all.deb", "sha256": "1" * 64})

    assert {(e["file"], e["code"]) for e in rejected["errors"]} == {
        *((f"both-{each}_1.0_{each}.deb", "sum-mismatch") for each in ARCHITECTURES),
        ("absent_1.0_all.deb", "file-missing"),
    }


def reject(ci: Ci, place: Path, stem: str, *more: dict[str, str]) -> dict[str, Any]:
    """Uploads three packages, the sums of two of them wrong, and perhaps more in the manifest."""
    files = three(place / "debs", stem)
    wrong = json.loads(manifest_json(files))
    for entry in wrong["files"][:2]:
        entry["sha256"] = "0" * 64
    wrong["files"] += more
    manifest = place / "manifest.json"
    manifest.write_text(json.dumps(wrong))
    ci.copy([*files, manifest], SUITE, "main", stem)
    result = ci.wait(SUITE, "main", stem, ci.etag(SUITE, "main", stem, manifest.name))
    assert result["status"] == "rejected"
    return result


def test_suites_and_components_stand_side_by_side(ci: Ci, host: Host, tmp_path: Path) -> None:
    places = [(suite, component) for suite in ("stable", "testing") for component in COMPONENTS]
    for suite, component in places:
        where = f"{suite} {component}"
        # One name and version with other bytes in each place: nothing may take another's.
        files = three(tmp_path / where, f"side-{component}", content=where)
        result = publish(ci, files, tmp_path / where / "m", suite, component, "side")
        assert result["status"] == "published"

    for suite, component in places:
        one = host(suite, component)
        assert seen(one, "side") == [f"side-{component}-all", f"side-{component}-amd64"]
        [fetched] = one.download(f"side-{component}-all")
        sent = tmp_path / f"{suite} {component}"
        assert sha256(fetched) == sha256(sent / f"side-{component}-all_1.0_all.deb")
    both = host("testing", " ".join(COMPONENTS))
    assert len(seen(both, "side")) == 2 * len(COMPONENTS)


def test_real_packages_come_back_as_they_were_and_install(
    ci: Ci, host: Host, tmp_path: Path
) -> None:
    files = corpus.packages()
    assert len(files) >= corpus.LEAST
    manifest = write("manifest.json", files, tmp_path)
    ci.copy_folder(files[0].parent, SUITE, "extra", "real")
    ci.copy([manifest], SUITE, "extra", "real")
    etag = ci.etag(SUITE, "extra", "real", manifest.name)

    result = ci.wait(SUITE, "extra", "real", etag)

    assert (result["status"], result["errors"]) == ("published", [])
    architecture = {debs.field(file, "Architecture") for file in files} - {"all"}
    reader = host(SUITE, "extra", architecture.pop() if architecture else "amd64")
    reader.update().clean()
    for file in files:
        shown = reader.show(f"{debs.field(file, 'Package')}={debs.field(file, 'Version')}").clean()
        assert f"SHA256: {sha256(file)}" in shown.out
    fetched = reader.download(*(debs.field(file, "Package") for file in files))
    assert sorted(map(sha256, fetched)) == sorted(map(sha256, files))
    for file in corpus.installable(files)[:5]:
        package = debs.field(file, "Package")
        reader.install(package).clean()
        assert reader.installed(package) == debs.field(file, "Version")


def test_a_batch_of_three_hundred_and_more_is_published_whole(
    ci: Ci, host: Host, tmp_path: Path
) -> None:
    folder = tmp_path / "debs"
    with ThreadPoolExecutor(4) as pool:
        files = list(
            pool.map(
                lambda n: debs.build(folder, f"many-{n:03}", "1.0", compression="none"),
                range(320),
            )
        )
    manifest = write("manifest.json", files, tmp_path)
    ci.copy_folder(folder, SUITE, "main", "many")
    ci.copy([manifest], SUITE, "main", "many")
    etag = ci.etag(SUITE, "main", "many", manifest.name)

    result = ci.wait(SUITE, "main", "many", etag, seconds=120)

    assert result["status"] == "published"
    assert len(result["packages"]) == 320
    for architecture in ARCHITECTURES:
        assert len(seen(host(architecture=architecture), "many")) == 320


def test_the_same_manifest_again_is_harmless(
    stack: Stack, ci: Ci, host: Host, executions: Callable[[int], list[str]], tmp_path: Path
) -> None:
    files = three(tmp_path / "debs", "again")
    first = publish(ci, files, tmp_path, "testing", "main", "again")
    assert first["status"] == "published"
    release = {
        "Bucket": stack.outputs.bucket,
        "Key": f"{stack.outputs.root}/dists/testing/InRelease",
    }
    before = stack.client("s3").head_object(**release)

    for _ in range(3):
        ci.copy([tmp_path / "manifest.json"], "testing", "main", "again")

    assert set(executions(4)) == {"SUCCEEDED"}
    again = ci.result("testing", "main", "again")
    assert again is not None
    assert again["status"] == "published"
    assert {p["sha256"] for p in again["packages"]} == {sha256(file) for file in files}
    assert stack.client("s3").head_object(**release)["ETag"] == before["ETag"]
    assert seen(host("testing"), "again") == ["again-all", "again-amd64"]
