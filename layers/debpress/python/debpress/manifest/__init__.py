"""What CI says a batch is: the three spellings of a manifest, read into one form.

Untrusted input: the answer is a Manifest or a RejectedError with everything found wrong.
"""

from debpress.manifest.listed import MOST_FILES, MOST_SUITES, Listed, Manifest
from debpress.manifest.parsing import check_size, parse

__all__ = ["MOST_FILES", "MOST_SUITES", "Listed", "Manifest", "check_size", "parse"]
