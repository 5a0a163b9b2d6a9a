"""The demo: publishes a repository on this machine from nothing, shows and checks each step.

Only AWS is emulated. The synthesised templates, the functions with their layers, the `aws` command,
Debian's packages, apt, gpgv and sqv are the real ones.
"""

from __future__ import annotations

import json
import re
import shutil
import time
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

from debpress.layout import Layout

from local import corpus, debs, paths, processes, signers, stack
from local.apt_root import AptRoot
from local.ci import Ci, manifest_json, sha256
from local.errors import LocalError
from local.progress import say, show, step

BATCH = "demo"
COMPONENT = "main"
_SHOWN = 6
_PATIENCE = 120.0  # Seconds.


def run(signer: str) -> None:
    """`signer` is a kind of `local.signers`. Raises LocalError at the first check that fails."""
    begun = time.monotonic()
    with step(f"get at least {corpus.LEAST} varied packages (kept in .local/packages)"):
        files = corpus.packages()
        if len(files) < corpus.LEAST:
            raise LocalError(f"Only {len(files)} packages: at least {corpus.LEAST} are wanted")
        show(_sample([file.name for file in files]))
    with signers.up(signer) as running:
        outputs = running.outputs
        suite = outputs.suites[0]
        place = running.emulator.directory / "demo"
        place.mkdir()
        key = _key(outputs, place)
        apt = AptRoot(
            place / "host",
            f"deb [signed-by={key}] {outputs.apt_uri} {suite} {COMPONENT}",
            processes.run(["dpkg", "--print-architecture"]).stdout.strip(),
        )
        with step("a host's first `apt-get update`, before anything is published"):
            show(apt.update().clean().out)
            _hold(not apt.packages(), "a fresh suite is empty")
        try:
            result = _publish(Ci(outputs), files, suite, place)
            _look(Ci(outputs), result)
        except LocalError as error:
            raise LocalError(f"{error}\n{running.troubles()}") from error
        _read(apt, files, result)
        _install(apt, files)
        _verify(outputs, suite, place)
    say(
        f"\nAll of it held, in {time.monotonic() - begun:.0f} s. Everything is stopped and removed,"
        f"\nbut for the page as it was: {paths.PAGE / 'index.html'}"
        f"\n(for its search: python3 -m http.server -b 127.0.0.1 -d {paths.PAGE})"
    )


def _publish(ci: Ci, files: Sequence[Path], suite: str, place: Path) -> dict[str, Any]:
    staging = place / "staging"
    staging.mkdir()
    for file in files:
        shutil.copy(file, staging)
    manifest = place / "manifest.json"
    manifest.write_text(manifest_json(files))
    target = ci.uri(suite, COMPONENT, BATCH)
    with step(f"aws s3 cp --recursive {len(files)} packages to {target}"):
        ci.copy_folder(staging, suite, COMPONENT, BATCH)
    with step(f"aws s3 cp manifest.json {target}, which starts the workflow"):
        ci.copy([manifest], suite, COMPONENT, BATCH)
        etag = ci.etag(suite, COMPONENT, BATCH, manifest.name)
    key = ci.result_key(suite, COMPONENT, BATCH)
    with step(f"aws s3api wait object-exists --key {key}"):
        ci.aws("s3api", "wait", "object-exists", "--bucket", ci.outputs.bucket, "--key", key)
        result = ci.wait(suite, COMPONENT, BATCH, etag, seconds=5)
        show(_summary(result))
    _hold(result["status"] == "published", "the result says `published`")
    _hold(len(result["packages"]) == len(files), "the result names every package")
    return result


def _look(ci: Ci, result: dict[str, Any]) -> None:
    """The page for people, which comes after the release; it is kept to be looked at."""
    found = Layout(ci.outputs.apt_uri)
    with step(f"the page, which no publish waits for: {found.page()}"):
        releases = _told(found, result)
        show(f"{releases[0]['suite']} no. {releases[0]['generation']}: {releases[0]['came']} came")
    shutil.rmtree(paths.PAGE, ignore_errors=True)
    ci.aws(
        "s3", "cp", "--quiet", "--recursive", "--exclude", "*", "--include", "index.*",
        "--include", "packages/*", f"s3://{ci.outputs.bucket}/{ci.outputs.root}/", str(paths.PAGE),
    )  # fmt: skip
    names = {package["package"] for package in result["packages"]}
    pages = [Layout(str(paths.PAGE)).package_page(name) for name in names]
    _hold(all(Path(page).exists() for page in pages), "every package has a page")


def _told(found: Layout, result: dict[str, Any]) -> list[dict[str, Any]]:
    """The releases that the page tells of, once it tells of this one. Raises LocalError."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with suppress(HTTPError):  # It is not there yet.
            releases: list[dict[str, Any]] = json.loads(_read_url(found.page("json")))["releases"]
            if result["generation"] in [each["generation"] for each in releases]:
                return releases
        time.sleep(0.2)
    raise LocalError(f"After {_PATIENCE:g} s {found.page()} does not tell of the release")


def _read(apt: AptRoot, files: Sequence[Path], result: dict[str, Any]) -> None:
    with step("the host's next `apt-get update`"):
        show(apt.update().clean().out)
    names = sorted({package["package"] for package in result["packages"]})
    with step(f"apt sees all {len(names)} packages"):
        _hold(apt.packages() == names, "apt sees what was published, all of it and nothing else")
    with step(f"apt-cache show {names[0]}"):
        show(apt.show(names[0]).clean().out)
    with step(f"apt-get download {len(names)} packages, and compare every byte"):
        fetched = apt.download(*names)
        _hold(
            sorted(map(sha256, fetched)) == sorted(map(sha256, files)),
            "apt downloads the bytes that were uploaded",
        )


def _install(apt: AptRoot, files: Sequence[Path]) -> None:
    for deb in _one_of_each(corpus.installable(files)):
        package, version = debs.field(deb, "Package"), debs.field(deb, "Version")
        with step(f"apt-get install {package} into a root of its own"):
            show(apt.install(package).clean().out)
            _hold(apt.installed(package) == version, f"dpkg has {package} {version} installed")
            listed = processes.run(["dpkg-deb", "--contents", deb]).stdout.splitlines()
            paths_in = [line.split()[5] for line in listed if line.startswith("-")]
            _hold(all((apt.path / each).exists() for each in paths_in), "its files are there")


def _one_of_each(candidates: Sequence[Path]) -> list[Path]:
    """One of Debian's packages, if there is one, and one that is packed by zstd."""
    built = [deb for deb in candidates if deb.name.startswith("debpress-demo")]
    fetched = [deb for deb in candidates if deb not in built]
    packed = [deb for deb in built if deb.name.startswith("debpress-demo-zstd")]
    _hold(bool(packed), "there is a package that an empty root can take")
    return [*fetched[:1], *packed]


def _verify(outputs: stack.Outputs, suite: str, place: Path) -> None:
    found = Layout(outputs.apt_uri)
    inrelease, release, signature, key, keyring = (
        _get(url, place / url.rpartition("/")[2])
        for url in (
            found.inrelease(suite),
            found.release(suite),
            found.release_gpg(suite),
            found.key_asc,
            found.key_gpg,
        )
    )
    with step("gpgv on InRelease"):
        said = processes.run(["gpgv", "--status-fd", "1", "--keyring", keyring, inrelease])
        show(said.stderr)
        signer = re.search(r"VALIDSIG ([0-9A-F]+)", said.stdout)
        _hold(
            signer is not None and signer[1] == outputs.signing_fingerprint.upper(),
            "the signature is by the key the deployment names",
        )
    with step("gpgv and sqv on Release and Release.gpg"):
        processes.run(["gpgv", "--keyring", keyring, signature, release])
        said = processes.run(["sqv", "--keyring", key, signature, release])
        show(said.stdout)
        _hold(
            outputs.signing_fingerprint.upper() in said.stdout.upper(),
            "sqv names the same key",
        )


def _key(outputs: stack.Outputs, place: Path) -> Path:
    url = Layout(outputs.apt_uri).key_asc
    with step(f"fetch the key, {url}"):
        return _get(url, place / "debpress.asc")


def _get(url: str, target: Path) -> Path:
    try:
        target.write_bytes(_read_url(url))
    except OSError as error:
        raise LocalError(f"{url} can't be read: {error}") from error
    return target


def _read_url(url: str) -> bytes:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(url, timeout=30) as answer:
        body: bytes = answer.read()
    return body


def _hold(held: bool, what: str) -> None:
    if not held:
        raise LocalError(f"This did not hold: {what}")
    say(f"    ok: {what}")


def _sample(names: Sequence[str]) -> str:
    more = f"\n… and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return "\n".join(names[:_SHOWN]) + more


def _summary(result: dict[str, Any]) -> str:
    shown = {**result, "packages": result["packages"][:1]}
    text = json.dumps(shown, indent=2)
    return f"{text}\n(the first of {len(result['packages'])} packages)"
