"""Bounded reading of what a stranger sends."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

from fastapi import Request
from starlette.datastructures import UploadFile

from pavilion.kernel.errors import Refusal, TooLarge

FORM_SLACK = 64 * 1024  # the other fields of a form and its boundaries
MOST_FIELDS = 8


class FileMissing(Refusal):
    status, code = 422, "file_missing"


class FileEmpty(Refusal):
    status, code = 422, "file_empty"


class SentFile(NamedTuple):
    """The one file of a form, and what else the form said."""

    content: bytes
    name: str
    said: dict[str, str]


async def sent_file(request: Request, limit: int) -> SentFile:
    """Refused unread when the body is longer than such a form can be."""
    declared = request.headers.get("content-length", "")
    if not declared.isdecimal() or int(declared) > limit + FORM_SLACK:
        raise TooLarge(limit=limit)
    async with request.form(max_files=1, max_fields=MOST_FIELDS) as form:
        upload = form.get("file")
        if not isinstance(upload, UploadFile) or not upload.filename:
            raise FileMissing()
        content = await upload.read(limit + 1)
        said = {name: value for name, value in form.items() if isinstance(value, str)}
    if not content:
        raise FileEmpty()
    if len(content) > limit:
        raise TooLarge(limit=limit)
    return SentFile(content, upload.filename, said)


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
