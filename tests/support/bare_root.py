"""A root with nothing in it but a layer, python and what we import: as bare as Lambda's, or barer.

Neither a shell nor a gpg is in there, and no library that python itself does not need.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def allowed() -> bool:
    """Whether this machine lets us mount /proc somewhere and change the root."""
    done = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "true"],
        capture_output=True,
        check=False,
    )
    return os.geteuid() == 0 and done.returncode == 0


def make(root: Path, layer: Path) -> None:
    """Fills `root` with the layer (as /opt), our code, the interpreter and its libraries."""
    for folder in ("proc", "dev", "tmp", "opt"):
        (root / folder).mkdir(parents=True)
    shutil.copytree(layer, root / "opt", dirs_exist_ok=True)
    shutil.copytree(ROOT / "layers/debpress/python", root / "opt/python", dirs_exist_ok=True)
    standard = Path(os.__file__).parent
    site = Path(next(path for path in sys.path if path.endswith("site-packages")))
    skip = shutil.ignore_patterns("site-packages", "test", "__pycache__", "config-*", "idlelib")
    shutil.copytree(standard, _in(root, standard), ignore=skip)
    for name in (
        *("gnupg.py", "botocore", "jmespath", "dateutil", "six.py"),
        *("urllib3", "cryptography", "cffi", "_cffi_backend*.so"),
    ):
        for found in site.glob(name):
            copy = shutil.copytree if found.is_dir() else shutil.copy
            target = root / "opt/python" / found.name
            copy(found, target)
    python = Path(sys.executable).resolve()
    _copy(root, python)
    binaries = [python, *standard.glob("lib-dynload/*.so"), *(root / "opt/python").rglob("*.so")]
    ours = [path for path in binaries if "debpress_gnupg" not in path.parts]
    listed = subprocess.run(["ldd", *ours], capture_output=True, text=True, check=False).stdout
    for library in sorted(set(re.findall(r"(/\S+\.so\S*) \(0x", listed))):
        _copy(root, Path(library))
    os.mknod(root / "dev/null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))


def run(root: Path, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python code in the root, with its own /proc and nobody else's processes."""
    python = Path(sys.executable).resolve()
    script = root / "code.py"
    script.write_text(code)
    mount = 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"'
    return subprocess.run(
        [
            *("unshare", "--mount", "--pid", "--fork", "sh", "-c", mount, str(root)),
            *(str(python), "/code.py", *arguments),
        ],
        env={
            "PYTHONPATH": "/opt/python",
            "PYTHONHOME": sys.base_prefix,
            "LC_ALL": "C.UTF-8",
            "AWS_EC2_METADATA_DISABLED": "true",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def _in(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")


def _copy(root: Path, path: Path) -> None:
    """The file by its own name, and all that its name goes through, as real files."""
    target = _in(root, path)
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        shutil.copy(path.resolve(), target)
