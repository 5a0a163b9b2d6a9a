"""Starts ministack, in its own environment, with two changes to how it runs functions.

ministack unpacks every layer anew for every sandbox, and the sandbox then compiles all it imports
anew: seconds of CPU for each cold start, tens of megabytes of disk. Here the sandboxes share one
unpacked copy of a layer, and with it the compiled modules. Functions see the same files under the
same names as without this.

And it starts a sandbox for every invocation that finds none idle: of fifty uploads at once, three
hundred, with some 20 GB of memory. Here a function has a few, and further invocations wait their
turn. None of ours invokes itself, so each turn comes.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
import zipfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

_SANDBOXES = 6
_POLL_SECONDS = 0.02

_alone = threading.Lock()


class LayerOnce(zipfile.ZipFile):
    """A zip that is unpacked once for all where the folder is a sandbox's layer."""

    def extractall(self, path: Any = None, members: Any = None, pwd: Any = None) -> None:
        target = Path(path or ".")
        if not target.name.startswith("layer_") or self.filename is None:
            super().extractall(path, members, pwd)
            return
        with Path(self.filename).open("rb") as stream:
            name = hashlib.file_digest(stream, "sha256").hexdigest()
        shared = Path(os.environ["TMPDIR"], f"layer-{name}")
        with _alone:
            if not shared.exists():
                unpacked = shared.with_suffix(".part")
                super().extractall(unpacked)
                # As Lambda does, and this module does not: what may be run stays so.
                for info in self.infolist():
                    if not info.is_dir() and info.external_attr >> 16 & 0o111:
                        (unpacked / info.filename).chmod(0o755)
                unpacked.rename(shared)
        target.rmdir()
        target.symlink_to(shared)


def patient(acquire: Callable[..., tuple[Any, str]]) -> Callable[..., tuple[Any, str]]:
    """Leases a sandbox as `acquire` does, and waits for one where it has none to give."""

    def wait(*arguments: Any, **options: Any) -> tuple[Any, str]:
        while True:
            worker, reason = acquire(*arguments, **{**options, "max_concurrency": _SANDBOXES})
            if worker is not None:
                return worker, reason
            time.sleep(_POLL_SECONDS)

    return wait


def main() -> None:
    import_module("orphan").watch()  # Beside this script, which makes it importable.
    runtime: Any = import_module("ministack.core.lambda_runtime")
    # Before the module that calls it is loaded, which takes its own reference.
    runtime.acquire_worker = patient(runtime.acquire_worker)
    runtime.zipfile = SimpleNamespace(**{**vars(runtime.zipfile), "ZipFile": LayerOnce})
    import_module("ministack.app").main()


if __name__ == "__main__":
    main()
