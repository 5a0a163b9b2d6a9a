"""The wheel for jobs of CI: it is small, and enough. tests/system/test_clients.py uploads by it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from local import paths
from tests.support import debs, small_client
from tests.unit.test_commands_help import COMMANDS
from tests.unit.test_commands_packages import write

MOST = 30 * 10**6
# What pip installs beside it has 1.9 MB.
BESIDE = 3 * 10**6


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    return small_client.install(tmp_path_factory.mktemp("client"))


def sizes(folder: Path) -> Iterator[int]:
    """The blocks of each file on a disk; of a module twice, since pip compiles it."""
    for path in folder.rglob("*"):
        yield (path.stat().st_size // 4096 + 1) * 4096 * (2 if path.suffix == ".py" else 1)


def test_it_is_less_than_thirty_megabytes(installed: Mapping[str, str]) -> None:
    carried = Path(installed["PYTHONPATH"], "debpress_client/carried")
    assert {"botocore", "debpress"} <= {path.name for path in carried.iterdir()}
    total = sum(sizes(carried)) + BESIDE
    assert 5 * 10**6 < total < MOST, f"{total / 1e6:.1f} MB"


def test_what_a_job_does_runs_without_the_rest(
    installed: Mapping[str, str], tmp_path: Path
) -> None:
    """Each in a process that finds nothing but the wheel and what it asks for."""
    package = write(tmp_path, "foo_1.0_all.deb", debs.deb())
    listing = write(tmp_path, "dist/foo_1.0_all.deb", debs.deb(control_form=".xz"))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*small_client.COMMAND, *arguments], env={"PATH": os.environ["PATH"], **installed},
            cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    checked = run("check", str(package), "--json")
    assert json.loads(checked.stdout)["packages"][0]["package"] == "foo", checked.stderr
    made = run("build-manifest", "dist")
    assert json.loads(made.stdout)["files"][0]["size"] == listing.stat().st_size, made.stderr
    digest = base64.b64encode(bytes(32)).decode()
    bundle = {"messageSignature": {"messageDigest": {"digest": digest}}}
    Path(f"{package}.sigstore.json").write_text(json.dumps(bundle))
    unverified = run("check", str(package))
    note, wrong = unverified.stderr.splitlines()
    assert note.startswith("note: 1 bundle(s) are read and not verified"), unverified.stderr
    assert "provenance-digest" in wrong and (unverified.returncode, unverified.stdout) == (1, "")


STORE = "arn:aws:cloudfront::111122223333:key-value-store/12345678-1234-1234-1234-123456789012"
# Each as it goes as far as it can.
CALLS = {
    "upload": "dist --suite stable --timeout 0",
    "push": "stable dist --timeout 0",
    "import": "ENDPOINT/other --suite stable --keyring ring.gpg",
    "compare": "ENDPOINT/other --suite stable --keyring ring.gpg",
    "check": "dist",
    "build-manifest": "dist",
    "remove": "foo --suite stable --dry-run",
    "yank": "stable foo=1.0 --timeout 0",
    "copy": "foo --from stable --to testing --timeout 0",
    "promote": "stable testing foo --timeout 0",
    "rollback": "--suite stable --to 1 --dry-run",
    "prune": "--timeout 0",
    "forget": "--suite stable foo=1.0 --timeout 0",
    "suites": "",
    "snapshot": "--suite stable --timeout 0",
    "list": "--suite stable",
    "show": "foo",
    "history": "--suite stable",
    "status": "",
    "doctor": "",
    "proof": "--suite stable --timeout 0",
    "verify": "",
    "restore": "",
    "mirror": "--to another-bucket",
    "key": "",
    "key show": "",
    "key export": "out.asc",
    "key check": "stable",
    "key import": "key.asc --to kms",
    "key rotate": "status",
    "key package": "",
    "token": "",
    "token add": f"web --store {STORE} --uri https://packages.example/apt",
    "token list": "",
    "token revoke": f"web --store {STORE}",
}
# Those that say that they are not in it.
LEFT_OUT = {"doctor", "proof", "verify"} | {
    *("key show", "key export", "key check", "key import"),
    *("token add", "token list", "token revoke"),
}

_RUN = """
import contextlib, io, json, pathlib, sys, traceback
import debpress_client
sys.path.insert(0, str(pathlib.Path(debpress_client.__file__).with_name("carried")))
from debpress.commands.main import main
said = {}
for name, arguments in json.load(sys.stdin).items():
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
        try:
            code = main([*name.split(), *arguments.split()])
        except SystemExit as end:
            code = end.code
        except BaseException:
            code = traceback.format_exc()
    said[name] = [code, out.getvalue()]
print(json.dumps(said))
"""


class Bucket(BaseHTTPRequestHandler):
    """It has the configuration, takes what is put, and knows no other service."""

    protocol_version = "HTTP/1.1"
    CONFIGURATION = (paths.ROOT / "tests/golden/state___repository.json").read_bytes()

    def do_GET(self) -> None:
        known = self.path == "/b/state/_repository.json"
        self._answer(200 if known else 404, self.CONFIGURATION if known else b"")

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(200, b"")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(403, b"")

    def do_HEAD(self) -> None:
        self.do_GET()

    def _answer(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"etag"')
        self.send_header("Last-Modified", "Mon, 23 Nov 2026 01:02:03 GMT")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Bucket) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_each_command_runs_or_says_what_to_install(
    installed: Mapping[str, str], endpoint: str, tmp_path: Path
) -> None:
    assert set(CALLS) == {" ".join(command) for command in COMMANDS}
    write(tmp_path, "dist/foo_1.0_all.deb", debs.deb())
    write(tmp_path, "ring.gpg", b"no keyring")
    environment = {
        **installed,
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "eu-central-1",
        "AWS_ENDPOINT_URL": endpoint,
        "DEBPRESS_BUCKET": "b",
    }
    done = subprocess.run(
        [*small_client.COMMAND[:2], "-c", _RUN], env=environment, cwd=tmp_path,
        input=json.dumps(CALLS).replace("ENDPOINT", endpoint),
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    for name, (code, said) in json.loads(done.stdout).items():
        assert code in (0, 1, 2) and "Unknown service" not in said, (name, code, said)
        left_out = "the wheel debpress in place of debpress_client: pipx " in said
        assert left_out == (name in LEFT_OUT), (name, said)
