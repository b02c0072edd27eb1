"""Files for the browser, under addresses that change with their content, and the folder they ship in."""

import gzip
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from pavilion.webkit.i18n import Lang, Tongue

MOUNT = "/static"
_FOREVER = "public, max-age=31536000, immutable"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".ico": "image/x-icon",
}
_TEXT = (".css", ".js", ".svg", ".json")
_GZIP = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}


def frontend() -> Path:
    """The folder `frontend`: inside the installed package when shipped, else beside the checkout."""
    package = Path(__file__).resolve().parents[1]
    shipped = package / "_shipped" / "frontend"
    return shipped if shipped.is_dir() else package.parents[1] / "frontend"


class StaticFiles:
    """Serves `static/GROUP/…` as `/static/GROUP/HASH/…`, where HASH stands for the content of the whole group.

    A file refers only to files of its own group, by relative address, so modules may import each other and styles may
    name fonts without an import map (an inline one would need a hole in the content security policy).
    """

    def __init__(self, root: Path, tongues: Mapping[Lang, Tongue]) -> None:
        self.files = {file.relative_to(root).as_posix(): file for file in sorted(root.rglob("*")) if file.is_file()}
        self.hashes = _hashes(self.files)
        self.packed = {name: _packed(file.read_bytes()) for name, file in self.files.items() if file.suffix in _TEXT}
        self.words = {lang: _words(tongue) for lang, tongue in tongues.items()}
        self.hashes["words"] = _digest(b"".join(self.words.values()))

    def url(self, path: str) -> str:
        """Address of a file named from `static/`; a name that does not exist is a mistake of the template."""
        group, _, rest = path.partition("/")
        if group != "words" and path not in self.files:
            raise FileNotFoundError(f"no static file {path!r}")
        return f"{MOUNT}/{group}/{self.hashes[group]}/{rest}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise HTTPException(404)
        response = self._answer(scope["method"], _below_mount(scope), Headers(scope=scope))
        await response(scope, receive, send)

    def _answer(self, method: str, path: str, headers: Headers) -> Response:
        if method not in ("GET", "HEAD"):
            return Response(status_code=405, headers={"Allow": "GET, HEAD"})
        group, _, rest = path.partition("/")
        stamp, _, name = rest.partition("/")
        etag = f'"{self.hashes.get(group, "")}"'
        keeping = {"Cache-Control": _FOREVER if stamp == self.hashes.get(group) else "no-cache", "ETag": etag}
        if group == "words":
            return self._words_answer(name, keeping)
        file = self.files.get(f"{group}/{name}")
        if file is None:
            return Response(status_code=404)
        if headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=keeping)
        kind = _TYPES.get(file.suffix, "application/octet-stream")
        packed = self.packed.get(f"{group}/{name}")
        if packed is None or "gzip" not in headers.get("accept-encoding", ""):
            return FileResponse(file, media_type=kind, headers={**keeping, "Vary": "Accept-Encoding"})
        return Response(packed, media_type=kind, headers={**keeping, **_GZIP})

    def _words_answer(self, name: str, keeping: dict[str, str]) -> Response:
        for lang, body in self.words.items():
            if name == f"{lang}.json":
                return Response(body, media_type="application/json", headers=keeping)
        return Response(status_code=404)


def _below_mount(scope: Scope) -> str:
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")).removeprefix(MOUNT).lstrip("/")


def _hashes(files: Mapping[str, Path]) -> dict[str, str]:
    lines: dict[str, list[str]] = {}
    for name, file in files.items():
        lines.setdefault(name.partition("/")[0], []).append(f"{name} {_digest(file.read_bytes())}\n")
    return {group: _digest("".join(said).encode()) for group, said in lines.items()}


def _packed(content: bytes) -> bytes:
    return gzip.compress(content, 6, mtime=0)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def _words(tongue: Tongue) -> bytes:
    """What modules say in one language: their own words (context `js`) and the sentence of every code."""
    said = {context: tongue.of_context(context) for context in ("js", "code")}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
