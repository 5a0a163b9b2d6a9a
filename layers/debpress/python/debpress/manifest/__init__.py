"""What CI says a batch is: the three spellings of a manifest, read into one form.

Untrusted input: the answer is a Manifest or a RejectedError with everything found wrong.
"""

from debpress.manifest.listed import Listed, Manifest
from debpress.manifest.parsing import check_size, parse

__all__ = ["Listed", "Manifest", "check_size", "parse"]
