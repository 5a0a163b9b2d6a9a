"""zstd, from the standard library where it has it (Python 3.14), else from its backport."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    ZstdError: type[Exception]
    DecompressionParameter: Any
    ZstdDecompressor: Any
elif sys.version_info >= (3, 14):
    from compression.zstd import DecompressionParameter, ZstdDecompressor, ZstdError
else:
    from backports.zstd import DecompressionParameter, ZstdDecompressor, ZstdError

__all__ = ["ZstdError", "decompressor"]

# 128 MiB: what `zstd --ultra -22` asks for, and the library's own default.
_WINDOW_LOG = 27


def decompressor() -> Any:
    """A decompressor of one frame, with the methods of lzma.LZMADecompressor."""
    return ZstdDecompressor(options={DecompressionParameter.window_log_max: _WINDOW_LOG})
