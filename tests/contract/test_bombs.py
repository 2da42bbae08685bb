"""Compressed answers of every kind, in every place where an answer is read, in bounded memory."""

from pathlib import Path

import pytest

from pocketbase_core.ports import Transport
from pocketbase_core.testing.contract.encodings import USES, unpacks_in_little_memory


@pytest.mark.slow
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw deflate", "br", "zstd", "gzip, gzip", "br, gzip"])
async def test_no_encoding_takes_more_memory_than_is_allowed(
    transport: Transport, encoding: str, use: str, tmp_path: Path
) -> None:
    await unpacks_in_little_memory(transport, encoding, use, tmp_path / "saved")
