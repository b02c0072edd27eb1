"""Bounded reading of what a stranger sends."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from anyio import to_thread
from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect

from pavilion.kernel.errors import Refusal, TooLarge

FORM_SLACK = 64 * 1024  # the other fields of a form and its boundaries
MOST_DISCARDED = 64 * 1024 * 1024  # as much as a proxy passes on
MOST_FIELDS = 8
_PIECE = 1 << 20


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
        raise await _too_large(request, limit)
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


class PouredFile(NamedTuple):
    """One of several files of a form, as it lies in the folder under its number."""

    name: str
    size: int
    sha256: str


async def files_to_folder(
    request: Request, folder: Path, limit: int, most: int
) -> tuple[list[PouredFile], dict[str, str]]:
    """The files of a form as 0, 1, 2 ... in the folder, and what else the form said. The limit is that of all of them
    together; a body that is longer is refused unread."""
    declared = request.headers.get("content-length", "")
    if not declared.isdecimal() or int(declared) > limit + FORM_SLACK:
        raise await _too_large(request, limit)
    poured: list[PouredFile] = []
    async with request.form(max_files=most, max_fields=MOST_FIELDS) as form:
        for upload in form.getlist("file"):
            if not isinstance(upload, UploadFile) or not upload.filename:
                continue  # an empty field
            path = folder / str(len(poured))
            digest, size = await to_thread.run_sync(_copied, upload.file, path)
            poured.append(PouredFile(upload.filename[-200:], size, digest))
        said = {name: value for name, value in form.items() if isinstance(value, str)}
    if not poured:
        raise FileMissing()
    return poured, said


def _copied(source: BinaryIO, path: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as file:
        while piece := source.read(_PIECE):
            digest.update(piece)
            size += file.write(piece)
    return digest.hexdigest(), size


async def body_to_file(request: Request, path: Path, limit: int) -> int:
    """The raw body stands in `path`; its size in bytes. Over the limit nothing is kept."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise await _too_large(request, limit)
    size = await _pour(request.stream(), path, limit)
    if size > limit:
        await to_thread.run_sync(path.unlink)
        raise await _too_large(request, limit)
    return size


async def body_of(request: Request, limit: int) -> bytes:
    """The raw body, of which no more than the limit is ever held."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise await _too_large(request, limit)
    parts, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise await _too_large(request, limit)
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
    return size


async def _too_large(request: Request, limit: int) -> TooLarge:
    """The refusal, once what is still on its way has come and was thrown away: a connection that is closed upon a
    proxy which is still sending loses the answer, and the reader gets the proxy's own words."""
    discarded = 0
    with suppress(ClientDisconnect):
        async for chunk in request.stream():
            discarded += len(chunk)
            if discarded > MOST_DISCARDED:
                break
    return TooLarge(limit=limit)
