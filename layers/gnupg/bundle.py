"""Builds the Lambda layer of the `gnupg:` signers: gpg, what it needs, and the operator's key.

    python layers/gnupg/bundle.py --architecture arm64 --secret-key archive-key.asc
    python layers/gnupg/bundle.py --relock

The programs are Debian 12's, pinned in packages.lock, because they ask for no newer glibc than
Amazon Linux 2023 has. They come from the machine's own Debian mirror (`--mirror` names another,
such as a snapshot of the archive, for when a pinned version has been superseded) or from a folder
(`--debs`). Run-paths are set so that the layer's libraries win wherever it is unpacked. The same
packages and the same key give the same bytes. Nothing of the machine's apt is changed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent / "debpress/python"))

from debpress.errors import DebpressError  # noqa: E402 (the path comes first)
from debpress.openpgp import exports  # noqa: E402

LOCK = _HERE / "packages.lock"
BUILD = _HERE / "build"

# Lambda's word for an architecture, and Debian's.
ARCHITECTURES = {"arm64": "arm64", "x86_64": "amd64"}

PROGRAMS = ("gpg", "gpg-agent", "gpg-connect-agent")
_PACKAGES = (
    *("gpg", "gpg-agent", "gpgconf"),
    *("libassuan0", "libbz2-1.0", "libgcrypt20", "libgpg-error0", "libnpth0", "libreadline8"),
    *("libsqlite3-0", "libtinfo6", "zlib1g"),
)
_TOOL = "patchelf"

# What the system itself brings: glibc's libraries must be those of its loader.
_GLIBC = re.compile(r"(ld-linux.*|lib(c|m|dl|pthread|rt|resolv|util))\.so\.\d+")
_GLIBC_NEEDED = re.compile(rb"GLIBC_2\.(\d+)")
GLIBC_MINOR = 34

_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_SUITES = {"debian": "bookworm", "debian-security": "bookworm-security"}

# A fixed time that zip can hold.
_TIME = (1980, 1, 1, 0, 0, 0)
_EPOCH = 315_532_800


@dataclass(frozen=True, order=True)
class Package:
    """One line of packages.lock."""

    name: str
    version: str
    architecture: str
    sha256: str

    @property
    def file(self) -> str:
        return f"{self.name}_{self.version.replace(':', '%3a')}_{self.architecture}.deb"


def build(
    architecture: str,
    secret_keys: Sequence[bytes],
    *,
    target: Path | None = None,
    mirror: str | None = None,
    debs: Path | None = None,
) -> Path:
    """The layer's folder, `target`, with a zip of it beside. Raises DebpressError.

    `architecture` is Lambda's word for it; `secret_keys` are exports of `gpg
    --export-secret-keys`, each protected by a passphrase.
    """
    made = target or BUILD / f"layer-{architecture}"
    keys = [_checked(data) for data in secret_keys]
    source = programs(architecture, mirror=mirror, debs=debs)
    shutil.rmtree(made, ignore_errors=True)
    shutil.copytree(source, made / "python/debpress_gnupg")
    keyring = made / "python/debpress_gnupg/keyring"
    keyring.mkdir()
    for fingerprint, data in keys:
        (keyring / f"{fingerprint}.gpg").write_bytes(data)
    _settle(made)
    _zip(made, made.with_name(made.name + ".zip"))
    return made


def programs(architecture: str, *, mirror: str | None = None, debs: Path | None = None) -> Path:
    """The programs and libraries, built where they are not there yet. Raises DebpressError."""
    lock = LOCK.read_bytes() + Path(__file__).read_bytes()
    name = hashlib.sha256(lock).hexdigest()[:16]
    target = BUILD / f"programs-{architecture}-{name}"
    if target.is_dir():
        return target
    wanted = ARCHITECTURES[architecture]
    own = _output(["dpkg", "--print-architecture"]).strip()
    locked = _locked()
    chosen = [p for p in locked if p.architecture == wanted and p.name != _TOOL]
    tool = [p for p in locked if p.architecture == own and p.name == _TOOL]
    if not chosen or not tool:
        raise DebpressError(f"{LOCK.name} holds no packages of {wanted} or no {_TOOL} of {own}")
    files = _fetch([*chosen, *tool], mirror, debs)
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        root, tools, made = (Path(folder, part) for part in ("root", "tools", "made"))
        for package in chosen:
            _run(["dpkg-deb", "--extract", str(files[package]), str(root)])
        _run(["dpkg-deb", "--extract", str(files[tool[0]]), str(tools)])
        shutil.copytree(
            _HERE / "python/debpress_gnupg", made, ignore=shutil.ignore_patterns("__pycache__")
        )
        _collect(root, made, tools / "usr/bin/patchelf")
        _settle(made)
        try:
            made.rename(target)
        except OSError:
            if not target.is_dir():  # Else another build made the same meanwhile.
                raise
    return target


def _collect(root: Path, made: Path, patchelf: Path) -> None:
    """Copies the programs, and the libraries that they need in turn, and sets their run-paths."""
    (made / "bin").mkdir()
    (made / "lib").mkdir()
    libraries = {path.name: path for path in sorted(root.glob("**/lib*.so.*"))}
    waiting = [(root / "usr/bin" / name, made / "bin" / name) for name in PROGRAMS]
    done: set[str] = set()
    while waiting:
        source, target = waiting.pop()
        shutil.copyfile(source.resolve(), target)
        target.chmod(0o755)
        for needed in _output([str(patchelf), "--print-needed", str(target)]).split():
            if needed in done or _GLIBC.fullmatch(needed):
                continue
            if needed not in libraries:
                raise DebpressError(f"{source.name} needs {needed}, which no locked package has")
            done.add(needed)
            waiting.append((libraries[needed], made / "lib" / needed))
        # DT_RPATH rather than DT_RUNPATH: the first is looked at before LD_LIBRARY_PATH, in which
        # Lambda names the system's own libraries.
        run_path = "$ORIGIN/../lib" if target.parent.name == "bin" else "$ORIGIN"
        _run([str(patchelf), "--force-rpath", "--set-rpath", run_path, str(target)])
        newest = max((int(n) for n in _GLIBC_NEEDED.findall(target.read_bytes())), default=0)
        if newest > GLIBC_MINOR:
            raise DebpressError(
                f"{target.name} needs glibc 2.{newest}, and Amazon Linux 2023 has 2.{GLIBC_MINOR}"
            )


def _checked(data: bytes) -> tuple[str, bytes]:
    """The fingerprint and the binary form of a secret key that may be put in a layer."""
    binary = exports.binary(data)
    found = exports.read_export(binary)
    for key in found.keys:
        if key.protection == "none":
            raise DebpressError(
                f"the secret key {key.fingerprint or found.fingerprint} has no passphrase: who "
                "can read the layer could sign. Set one (gpg --edit-key, passwd), export it again"
            )
    if not any(key.protection == "passphrase" for key in found.keys):
        raise DebpressError(f"the export of {found.fingerprint} holds no secret key material")
    return found.fingerprint, binary


# Debian's packages


def _locked() -> list[Package]:
    lines = [line.split() for line in LOCK.read_text("utf-8").splitlines()]
    return [Package(*line) for line in lines if line and not line[0].startswith("#")]


def _fetch(
    packages: Sequence[Package], mirror: str | None, debs: Path | None
) -> dict[Package, Path]:
    """The packages' files: kept ones, else from `debs`, else from the mirror; checked by hash."""
    kept = BUILD / "debs"
    kept.mkdir(parents=True, exist_ok=True)
    if debs:
        for package in packages:
            if (debs / package.file).exists():
                shutil.copy(debs / package.file, kept)
    missing = [package for package in packages if not _good(kept / package.file, package)]
    if missing:
        with tempfile.TemporaryDirectory(dir=BUILD) as folder:
            options = _private_apt(Path(folder), {p.architecture for p in missing}, mirror)
            # At once, since apt reads its lists anew in each call.
            names = [f"{each.name}:{each.architecture}={each.version}" for each in missing]
            _run(["apt-get", *options, "download", *names], cwd=kept)
    for package in packages:
        if not _good(kept / package.file, package):
            raise DebpressError(f"{package.file} is not what {LOCK.name} pins; look into it")
    return {package: kept / package.file for package in packages}


def _good(file: Path, package: Package) -> bool:
    return file.exists() and hashlib.sha256(file.read_bytes()).hexdigest() == package.sha256


def _private_apt(folder: Path, architectures: Iterable[str], mirror: str | None) -> list[str]:
    """Options of an apt with lists of its own, of bookworm, by the machine's mirror and proxy."""
    for part in ("state/lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True)
    (folder / "status").touch()
    uris = [mirror.rstrip("/")] if mirror else _mirrors()
    suites = [(uri, _SUITES.get(uri.rpartition("/")[2], "bookworm")) for uri in uris]
    # Signed by Debian, whose word was enough when the lock was made; the lock's hashes are now.
    lines = [f"deb [signed-by={_KEYRING}] {uri} {suite} main\n" for uri, suite in suites]
    (folder / "sources.list").write_text("".join(lines))
    names = sorted(architectures)
    settings = {
        "Dir::State": f"{folder}/state",
        "Dir::State::status": f"{folder}/status",
        "Dir::Cache": f"{folder}/cache",
        "Dir::Etc::sourcelist": f"{folder}/sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "APT::Architecture": names[0],
        "Acquire::Languages": "none",
        # A snapshot of the archive is as old as its day.
        "Acquire::Check-Valid-Until": "false",
    }
    if os.geteuid() == 0:
        settings["APT::Sandbox::User"] = "root"
    options = [f"-o{key}={value}" for key, value in settings.items()]
    options += [f"-oAPT::Architectures::={name}" for name in names]
    _run(["apt-get", *options, "update", "-qq"])
    return options


def _mirrors() -> list[str]:
    form = ["--format", "$(REPO_URI)", "Created-By: Packages"]
    found = {uri.rstrip("/") for uri in _output(["apt-get", "indextargets", *form]).split()}
    own = sorted(uri for uri in found if uri.rpartition("/")[2] in _SUITES)
    if not own:
        raise DebpressError("this machine's apt knows no mirror of Debian; say --mirror or --debs")
    return own


def relock(mirror: str | None = None) -> None:
    """Writes packages.lock anew, of what the mirror has now. Raises DebpressError."""
    BUILD.mkdir(exist_ok=True)
    found: list[Package] = []
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        options = _private_apt(Path(folder), ARCHITECTURES.values(), mirror)
        for architecture in ARCHITECTURES.values():
            for name in (*_PACKAGES, _TOOL):
                shown = _output(
                    ["apt-cache", *options, "--no-all-versions", "show", f"{name}:{architecture}"]
                )
                fields = dict(re.findall(r"^(Version|SHA256): (\S+)$", shown, re.MULTILINE))
                found.append(Package(name, fields["Version"], architecture, fields["SHA256"]))
    lines = [f"{p.name} {p.version} {p.architecture} {p.sha256}\n" for p in sorted(found)]
    LOCK.write_text("# bundle.py --relock wrote this: what the layer is made of\n" + "".join(lines))


# The layer's files


def _settle(folder: Path) -> None:
    """Modes and times that are the same every time."""
    for path in sorted(folder.rglob("*"), reverse=True):
        run = path.is_dir() or path.parent.name in ("bin", "lib")
        path.chmod(0o755 if run else 0o644)
        os.utime(path, (_EPOCH, _EPOCH))


def _zip(folder: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            info = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3
            info.external_attr = path.stat().st_mode << 16
            archive.writestr(info, path.read_bytes())


def _output(command: Sequence[str]) -> str:
    return _run(command).stdout


def _run(command: Sequence[str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    try:
        done = subprocess.run(  # noqa: S603
            command, cwd=cwd, capture_output=True, text=True, check=False, timeout=600
        )
    except FileNotFoundError as error:
        raise DebpressError(f"{command[0]} is not here: build on Debian, or in one") from error
    if done.returncode:
        raise DebpressError(f"`{' '.join(command)}` failed:\n{done.stderr[-2000:]}")
    return done


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Builds the layer of the gnupg: signers.")
    parser.add_argument("--architecture", choices=sorted(ARCHITECTURES), default="arm64")
    parser.add_argument(
        "--secret-key",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="what gpg --export-secret-keys wrote, with its passphrase; may be repeated",
    )
    parser.add_argument("--mirror", metavar="URL", help="a mirror of Debian, else the machine's")
    parser.add_argument(
        "--debs", type=Path, metavar="FOLDER", help="where the packages are already"
    )
    parser.add_argument("--relock", action="store_true", help="pin what the mirror has now")
    arguments = parser.parse_args(argv)
    try:
        if arguments.relock:
            relock(arguments.mirror)
            return 0
        if not arguments.secret_key:
            parser.error("say --secret-key, the key that is to sign")
        keys = [file.read_bytes() for file in arguments.secret_key]
        made = build(arguments.architecture, keys, mirror=arguments.mirror, debs=arguments.debs)
    except (DebpressError, OSError) as error:
        print(f"bundle.py: {error}", file=sys.stderr)
        return 1
    print(f"{made} (and .zip beside it)")
    for file in sorted((made / "python/debpress_gnupg/keyring").iterdir()):
        print(f"gnupg:{file.stem}?secret=<name or ARN of the passphrase's secret>")
    return 0


if __name__ == "__main__":
    sys.exit(main())
