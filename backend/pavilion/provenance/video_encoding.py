"""The film as files: AV1 in MP4, VP9 in WebM for those who cannot play that, a silent loop, a poster, captions.

The codecs come with PyAV. Containers may differ between builds of a codec; the frames never do, and their hashes stand
beside the files.
"""

import hashlib
import io
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from PIL import Image

from pavilion.provenance import video, video_drawing
from pavilion.provenance.video import RATE, SIZE

THREADS = 1  # bidding goes on beside
CODECS = {
    "mp4": ("libsvtav1", {"preset": "12", "crf": "40", "svtav1-params": "lp=1"}),
    "webm": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "crf": "38", "b": "0", "row-mt": "0"}),
}
PIXELS = "yuv420p"
LOOP_FRAMES = 6 * RATE
MEDIA_TYPES = {"mp4": "video/mp4", "webm": "video/webm", "jpg": "image/jpeg", "vtt": "text/vtt; charset=utf-8"}


class Film(NamedTuple):
    """Files by name, and the SHA-256 of the SHA-256 of each frame in order."""

    files: Mapping[str, bytes]
    frames_sha256: str
    frames: int


def made(said: Mapping[str, Any]) -> Film:
    """All files of the film that this parameter document describes."""
    outputs = {name: _Writer(name.rpartition(".")[2]) for name in ("film.mp4", "film.webm", "loop.mp4")}
    hashes, poster = hashlib.sha256(), b""
    last = sum(scene.frames for scene in video.timeline(said)) - 1
    before: Image.Image | None = None
    for count, frame in enumerate(video_drawing.frames(said)):
        if frame is not before:  # a frame that stands still is the very same picture
            digest, coded = hashlib.sha256(frame.tobytes()).digest(), _coded(frame)
        before = frame
        hashes.update(digest)
        outputs["film.mp4"].add(coded)
        outputs["film.webm"].add(coded)
        if last - count < LOOP_FRAMES:
            outputs["loop.mp4"].add(coded)
        if count == last:
            poster = _picture(frame)
    files = {name: output.close() for name, output in outputs.items()} | {"poster.jpg": poster}
    for lang in video.LANGUAGES:
        files[f"captions.{lang}.vtt"] = video.captions(said, lang).encode()
    return Film(files, hashes.hexdigest(), last + 1)


def frame_hashes(frames: Iterable[Image.Image]) -> list[str]:
    return [hashlib.sha256(frame.tobytes()).hexdigest() for frame in frames]


def _coded(picture: Image.Image) -> Any:
    """As the codecs take it; made once for all of them."""
    import av

    frame_of: Callable[[Image.Image], Any] = av.VideoFrame.from_image
    return frame_of(picture).reformat(format=PIXELS)


class _Writer:
    def __init__(self, kind: str) -> None:
        import av

        codec, options = CODECS[kind]
        self._file = io.BytesIO()
        self._container = av.open(self._file, "w", format=kind)
        stream = self._container.add_stream(codec, rate=RATE, options=dict(options))
        assert isinstance(stream, av.VideoStream)
        self._stream = stream
        self._stream.width, self._stream.height = SIZE
        self._stream.pix_fmt = PIXELS
        self._stream.codec_context.thread_count = THREADS
        self._stream.codec_context.time_base = Fraction(1, RATE)
        self._count = 0

    def add(self, frame: Any) -> None:
        frame.pts, frame.time_base = self._count, Fraction(1, RATE)
        self._count += 1
        for packet in self._stream.encode(frame):
            self._container.mux(packet)

    def close(self) -> bytes:
        for packet in self._stream.encode():
            self._container.mux(packet)
        self._container.close()
        return self._file.getvalue()


def _picture(frame: Image.Image) -> bytes:
    out = io.BytesIO()
    frame.save(out, "JPEG", quality=88, optimize=True)
    return out.getvalue()
