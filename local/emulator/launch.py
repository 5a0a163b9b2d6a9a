"""Starts ministack, in its own environment, with two changes to how it runs functions.

ministack unpacks every layer for every sandbox, which then compiles all modules that it imports:
seconds of CPU for each cold start, and tens of megabytes of disk. With the first change the
sandboxes share one unpacked copy of a layer and its compiled modules. Functions see the same files
under the same names as before.

ministack also starts a sandbox for every invocation that finds none idle: three hundred for fifty
uploads at once, with some 20 GB of memory. With the second change a function has a few sandboxes,
and further invocations wait. As no function here invokes itself, none waits for ever.
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
    """A zip that, if it is a layer for a sandbox, is unpacked once for all sandboxes."""

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
                # Keeps files executable, as Lambda does; `zipfile` drops their permissions.
                for info in self.infolist():
                    if not info.is_dir() and info.external_attr >> 16 & 0o111:
                        (unpacked / info.filename).chmod(0o755)
                unpacked.rename(shared)
        target.rmdir()
        target.symlink_to(shared)


def patient(acquire: Callable[..., tuple[Any, str]]) -> Callable[..., tuple[Any, str]]:
    """Wraps `acquire`, which gives a sandbox: waits until one is free where it gives none."""

    def wait(*arguments: Any, **options: Any) -> tuple[Any, str]:
        while True:
            worker, reason = acquire(*arguments, **{**options, "max_concurrency": _SANDBOXES})
            if worker is not None:
                return worker, reason
            time.sleep(_POLL_SECONDS)

    return wait


def main() -> None:
    import_module("orphan").watch()  # Importable, since it is in this script's folder.
    runtime: Any = import_module("ministack.core.lambda_runtime")
    # Replaced before the module that calls it is imported, which keeps a reference of its own.
    runtime.acquire_worker = patient(runtime.acquire_worker)
    runtime.zipfile = SimpleNamespace(**{**vars(runtime.zipfile), "ZipFile": LayerOnce})
    import_module("ministack.app").main()


if __name__ == "__main__":
    main()
