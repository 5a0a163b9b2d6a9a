"""Every record is written as it was written before, to the byte.

The golden files were made by the code of November 2026. A record in a bucket outlives the code that
wrote it, generations for ever, so what is here must go on being written and read.
"""

from __future__ import annotations

import functools

import pytest

from tests.support import golden


@functools.cache
def written() -> dict[str, bytes]:
    return {golden.file_name(key): golden.masked(body) for key, body in golden.bucket().items()}


def test_the_same_records_are_written() -> None:
    assert sorted(written()) == sorted(file.name for file in golden.FOLDER.iterdir())


@pytest.mark.parametrize("name", sorted(file.name for file in golden.FOLDER.iterdir()))
def test_to_the_byte(name: str) -> None:
    assert written()[name] == golden.masked((golden.FOLDER / name).read_bytes())
