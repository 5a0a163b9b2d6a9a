"""Every case of tests/corpus through the whole press: the answer it must get, and no other."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from debian.deb822 import Deb822
from debpress import config
from debpress.index import entries
from debpress.index.entries import Identity

from local import paths
from tests.corpus import Case, batches, listing
from tests.corpus.all import bad, good
from tests.support.press import SUITES, Press, event

BAD, GOOD = list(bad()), list(good())


@pytest.fixture(scope="module")
def used(request: pytest.FixtureRequest) -> Press:
    """One press for all cases, which must leave nothing behind for the next."""
    press = Press(request.getfixturevalue("signers"))
    press.repository = config.parse({**SUITES, "max_package_bytes": batches.MOST_BYTES})
    press.set_up()
    press.clock.sleep(600)
    files = {"taken.deb": batches.TAKEN}
    assert run(press, Case("taken", files, listing(files))) == "published"
    return press


def run(press: Press, case: Case) -> str | None:
    for name, body in case.files.items():
        press.store.put(case.prefix + name, body)
    name, body = case.manifest
    head = press.store.put(case.prefix + name, body)
    press.clock.sleep(2)
    return press.publish(event(head.key, head.etag, head.version_id))


def published(press: Press) -> dict[str, str]:
    """Everything that hosts can see, by ETag."""
    return {h.key: h.etag for h in press.store.list("apt/dists/")}


def test_there_are_enough_and_no_two_by_one_name() -> None:
    for cases in (BAD, GOOD):
        assert len(cases) >= 100
        assert max(Counter(case.name for case in cases).values()) == 1


def test_every_code_of_an_upload_has_a_case() -> None:
    from debpress.errors import Code

    # The file must change while it is validated; uploaders, or a policy for provenance, must be
    # configured, or a pattern of suites; an operation must meet what others depend on, or a version
    # that is published; the pipeline must fail: tests of their own.
    elsewhere = {
        *("file-changed", "dependency-broken", "prune-too-much", "still-published", "internal"),
        *("uploader-unknown", "uploader-refused", "suites-too-many"),
        *(f"provenance-{what}" for what in ("missing", "invalid", "digest", "identity")),
    }
    assert {str(c) for c in Code} - elsewhere == {c for case in BAD for _, c in case.errors}


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_bad(used: Press, case: Case) -> None:
    before = published(used)
    assert run(used, case) == "rejected"
    result = used.result(case.id, case.suite, case.component)
    found = [(each["file"], each["code"]) for each in result["errors"]]
    assert Counter(found) == Counter(case.errors), result["errors"]
    for error in result["errors"]:
        assert error["message"].isprintable() and len(error["message"]) < 1000
    assert (result["status"], result["packages"]) == ("rejected", [])
    assert published(used) == before


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.name)
def test_good(used: Press, case: Case) -> None:
    assert run(used, case) == "published", used.result(case.id)["errors"]
    result = used.result(case.id)
    assert (result["errors"], tuple(result["ignored"])) == ([], tuple(case.ignored))
    if not case.stanzas:
        return
    assert len(result["packages"]) == len(case.stanzas)
    indices = {architecture: index(used, architecture) for architecture in ("amd64", "arm64")}
    for package, said in zip(result["packages"], case.stanzas, strict=True):
        identity = Identity(package["package"], package["version"], package["architecture"])
        for architecture, stanzas in indices.items():
            assert (identity in stanzas) == (identity.architecture in ("all", architecture))
            if identity in stanzas:
                assert_published(used, stanzas[identity], said, package["sha256"])


def assert_published(press: Press, text: bytes, said: Mapping[str, bytes], sha256: str) -> None:
    """As python-debian reads it; and its file is there."""
    read = Deb822(text, encoding="latin-1")
    for name, value in said.items():
        assert read[name].strip().encode("latin-1") == value.strip(), name
    assert read["SHA256"] == sha256 and read["Filename"].startswith("pool/main/")
    assert int(read["Size"]) == len(press.store.body(f"apt/{read['Filename']}"))
    assert "md5" not in "".join(read).lower() and "Conffiles" not in read


def index(press: Press, architecture: str) -> dict[Identity, bytes]:
    name = f"main/binary-{architecture}/Packages"
    sha256 = press.release().files[f"{name}.gz"].sha256
    body = press.store.body(press.repository.layout.by_hash("stable", name, sha256))
    return dict(entries.split(gzip.decompress(body)))


def test_a_bad_batch_can_be_mended(fresh: Callable[[], Press]) -> None:
    """Under its own name: what was wrong is uploaded again, and the manifest last."""
    press = fresh()
    files = {"good.deb": batches.TAKEN}
    wrong = {"json-cut", "sums-no-name", "archive-data-cut", "control-nul", "one-missing"}
    cases = [case for case in BAD if case.name in wrong]
    assert len(cases) == len(wrong)
    for case in cases:
        assert run(press, replace(case, batch="mended")) == "rejected"
    assert run(press, Case("mended", files, listing(files))) == "published"
    assert press.result("mended")["errors"] == []


def test_debian_packages_as_they_are(fresh: Callable[[], Press]) -> None:
    """Those that `make demo` fetched, if any; tests/integration fetches some of its own."""
    found = sorted(paths.PACKAGES.glob("*.deb"))
    files = {path.name: path.read_bytes() for path in found}
    if not files:
        pytest.skip(
            "no packages of the distribution are in .local/packages; make demo fetches them"
        )
    press = fresh()
    repository = {**SUITES["suites"][0], "architectures": ["amd64", "arm64", "i386", "armhf"]}
    press.repository = config.parse({"suites": [repository]})
    assert run(press, Case("real", files, listing(files))) == "published"
    assert len(press.result("real")["packages"]) == len(files)
