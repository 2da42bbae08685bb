"""Very large responses and events take a bounded amount of memory and time."""

from pathlib import Path

import pytest

from pocketbase_core.ports import Transport
from pocketbase_core.testing.contract.encodings import USES, check_memory
from pocketbase_core.testing.contract.sse import measure_processing


@pytest.mark.slow
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw deflate", "br", "zstd", "gzip, gzip", "br, gzip"])
async def test_no_encoding_takes_more_memory_than_is_allowed(
    transport: Transport, encoding: str, use: str, tmp_path: Path
) -> None:
    await check_memory(transport, encoding, use, tmp_path / "saved")


@pytest.mark.slow
async def test_the_time_for_an_event_of_many_lines_grows_with_its_bytes_alone(transport: Transport) -> None:
    small = min([(await measure_processing(transport, 2**20))[0] for _ in range(4)])
    large, longest = map(min, zip(*[await measure_processing(transport, 2**24) for _ in range(4)], strict=True))
    # 16 times the bytes. A time that grew with their square would be 256 times as long.
    assert large < 64 * small, "the time grows faster than the bytes"
    assert longest < large / 16, "the loop had too few turns while the event was read"
