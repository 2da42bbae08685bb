"""Files, on a real server."""

import secrets
import struct
import zlib
from pathlib import Path

import pytest

from pocketbase_core import FileUpload, PocketBase, PocketBaseNotFoundError
from pocketbase_core.calls.options import SendOptions, parse_options
from pocketbase_core.endpoints import custom

pytestmark = pytest.mark.both_faces


def png(width: int, height: int) -> bytes:
    """Make a black image."""

    def chunk(chunk_type: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + chunk_type + data + struct.pack(">I", zlib.crc32(chunk_type + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(width + 1) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


async def test_a_file_can_be_read_streamed_and_downloaded(pb: PocketBase, guest: PocketBase, tmp_path: Path) -> None:
    content = secrets.token_bytes(3_000_000)
    record = await pb.collection("posts").create({"docs": FileUpload(("a b.bin", content))})
    (filename,) = record["docs"]
    place = ("posts", record["id"], filename)
    assert pb.files.get_url(*place) == f"{pb.base_url}/api/files/posts/{record['id']}/{filename}"
    assert pb.files.get_url(record, filename, {"thumb": "100x100", "token": "a&b", "download": True}) == (
        f"{pb.base_url}/api/files/{record['collectionId']}/{record['id']}/{filename}?thumb=100x100&token=a%26b&download=true"
    )
    assert pb.files.get_url(record, filename, download=False).endswith(filename)
    assert pb.files.get_url(record, "") == pb.files.get_url("posts", record["id"], "") == ""
    assert await guest.files.download_file(*place) == content
    assert await guest.files.download_file(*place, options={"thumb": "100x100"}) == content
    async with guest.files.stream(*place) as response:
        assert b"".join([chunk async for chunk in response.aiter_bytes()]) == content
    progress: list[tuple[int, int | None]] = []
    target = tmp_path / "out.bin"
    await guest.files.download_to(target, *place, on_progress=lambda done, total: progress.append((done, total)))
    assert target.read_bytes() == content
    assert progress[-1] == (len(content), len(content))
    target.write_bytes(b"old")
    with pytest.raises(PocketBaseNotFoundError):
        await guest.files.download_to(target, "posts", record["id"], "missing.bin")
    with pytest.raises(PocketBaseNotFoundError):
        await guest.files.download_file("posts", record["id"], "missing.bin")
    assert target.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["out.bin"]


async def test_a_protected_file_can_be_read_with_a_token_only(pb: PocketBase, guest: PocketBase, name: str) -> None:
    fields = [{"name": "doc", "type": "file", "protected": True}]
    await pb.collections.create({"name": name, "type": "base", "fields": fields})
    record = await pb.collection(name).create({"doc": FileUpload(("a.txt", "secret"))})
    with pytest.raises(PocketBaseNotFoundError):
        await guest.files.download_file(name, record["id"], record["doc"])
    token = await pb.files.get_token()
    assert await guest.files.download_file(name, record["id"], record["doc"], token=token) == b"secret"
    path = pb.files.get_url(record, record["doc"], token=token, download=True).removeprefix(pb.base_url)
    async with guest.pipeline.stream(custom.send(path, parse_options(SendOptions, None, {}))) as response:
        assert response.headers["Content-Disposition"].startswith("attachment")
        assert b"".join([chunk async for chunk in response.aiter_bytes()]) == b"secret"
    with pytest.raises(PocketBaseNotFoundError):
        await guest.files.download_file(name, record["id"], record["doc"], token="no." + token)


async def test_a_thumbnail_of_a_known_size_is_served(pb: PocketBase, name: str) -> None:
    fields = [{"name": "image", "type": "file", "protected": True, "thumbs": ["8x4"]}]
    await pb.collections.create({"name": name, "type": "base", "fields": fields})
    record = await pb.collection(name).create({"image": FileUpload(("a.png", png(64, 64)))})
    place = (name, record["id"], record["image"])
    token = await pb.files.get_token()
    for thumb, size in ({"thumb": "8x4"}, (8, 4)), ({"thumb": "9x9"}, (64, 64)), ({}, (64, 64)):
        content = await pb.files.download_file(*place, {"token": token, **thumb})
        assert struct.unpack(">II", content[16:24]) == size
