"""A run's name."""

from __future__ import annotations

import hashlib

from debpress import layout
from debpress.layout import Batch
from debpress.records.batch import ManifestRef


def run_name(batch: Batch, manifest: ManifestRef) -> str:
    """One name an upload: a repeated event has the same, a mended batch another."""
    exactly = "\0".join((manifest.key, manifest.etag, manifest.version_id or ""))
    digest = hashlib.sha256(exactly.encode()).hexdigest()[:16]
    # The id may be one that is about to be refused.
    return f"{batch.component}.{layout.safe(batch.id)[:128]}.{digest}"
