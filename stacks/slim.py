"""Leaves out of the functions' layer what botocore would read at each cold start, and not use.

botocore has the models of all of AWS's services. To make a client, it lists all their folders
twice, reads a table of the endpoints of all services, and the model of one with its documentation:
at a cold start that took two thirds of the time of making a client.
"""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Set
from pathlib import Path
from typing import Any

# By their names in botocore. A client of another can't be made in a function.
SERVICES = frozenset({"events", "kms", "s3", "secretsmanager", "stepfunctions"})
_MODELS = ("service-2", "endpoint-rule-set-1")


def slim(data: Path, keep: Set[str] = SERVICES) -> None:
    """`data` is the folder botocore/data; `keep` are the services whose clients are made."""
    prefixes = set()
    for folder in [path for path in data.iterdir() if path.is_dir()]:
        if folder.name not in keep:
            shutil.rmtree(folder)
            continue
        for packed in [path for name in _MODELS for path in folder.glob(f"*/{name}.json.gz")]:
            model = _undocumented(json.loads(gzip.decompress(packed.read_bytes())))
            prefixes.add(model.get("metadata", {}).get("endpointPrefix"))
            _write(packed.with_suffix(""), model)
            packed.unlink()
    table = data / "endpoints.json"
    endpoints = json.loads(table.read_text("utf-8"))
    for partition in endpoints["partitions"]:
        services = partition["services"]
        partition["services"] = {name: services[name] for name in services if name in prefixes}
    _write(table, endpoints)


def _undocumented(model: Any) -> Any:
    """Without the texts for people. A member of a shape may have that name, too: it is no text.

    They are emptied and not left out, since botocore asks for some of them
    (`ServiceModel.client_context_parameters`).
    """
    match model:
        case dict():
            return {
                key: ""
                if key == "documentation" and isinstance(value, str)
                else _undocumented(value)
                for key, value in model.items()
            }
        case list():
            return [_undocumented(value) for value in model]
    return model


def _write(file: Path, data: Any) -> None:
    file.write_text(json.dumps(data, separators=(",", ":")), "utf-8")
