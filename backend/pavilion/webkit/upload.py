"""Bounded reading of what a stranger sends."""

from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import Request, UploadFile

from pavilion.kernel.errors import TooLarge

CHUNK = 1 << 16


async def body_to_file(request: Request, path: Path, limit: int) -> int:
    """The raw body stands in `path`; its size in bytes. Over the limit nothing is kept and the rest is not read."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise TooLarge(limit=limit)
    return await _pour(request.stream(), path, limit)


async def body_of(request: Request, limit: int) -> bytes:
    """The raw body, of which no more than the limit is ever held."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise TooLarge(limit=limit)
    parts, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise TooLarge(limit=limit)
        parts.append(chunk)
    return b"".join(parts)


async def upload_to_file(upload: UploadFile, path: Path, limit: int) -> int:
    """As `body_to_file`, for one file of a form."""

    async def chunks() -> AsyncIterator[bytes]:
        while chunk := await upload.read(CHUNK):
            yield chunk

    return await _pour(chunks(), path, limit)


async def _pour(chunks: AsyncIterator[bytes], path: Path, limit: int) -> int:
    size = 0
    with path.open("wb") as file:
        async for chunk in chunks:
            size += len(chunk)
            if size > limit:
                break
            file.write(chunk)
    if size > limit:
        _drop(path)
        raise TooLarge(limit=limit)
    return size


def _drop(path: Path) -> None:
    path.unlink()
