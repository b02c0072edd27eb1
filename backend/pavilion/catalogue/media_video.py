"""A video drawn anew, frame by frame, without its sound and whatever else the file held.

Runs in a process of its own."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from PIL import Image

from pavilion.catalogue.media_drawing import Drawn, Refused, in_sizes

CODECS = frozenset({"h264", "hevc", "vp8", "vp9", "av1", "mpeg4"})
DECODERS = {"libdav1d": "av1", "libaom-av1": "av1", "libvpx-vp9": "vp9", "libvpx": "vp8"}
SIDE = 1280  # pixels of the longer side
MOST_PIXELS = 9_000_000  # of a frame as it was sent
MOST_SECONDS = 120
MOST_RATE = 60  # frames a second; of more some are left out
CLOCK = 90_000  # ticks of a second


def video(source: Path, out: Path, container: str) -> Drawn:
    """`container`: the one that its first bytes say; nothing else is tried, so no list of addresses is followed."""
    import av

    try:
        with av.open(str(source), format=container, options={"protocol_whitelist": "file"}) as read:
            return _drawn(read, out)
    except (av.FFmpegError, ValueError, IndexError, OverflowError):
        raise Refused("media_unreadable") from None


def _drawn(read: Any, out: Path) -> Drawn:
    stream = next(iter(read.streams.video), None)
    if stream is None or stream.codec_context is None or _codec(stream) not in CODECS:
        raise Refused("media_unreadable")
    stream.codec_context.thread_count = 1
    if stream.codec_context.width * stream.codec_context.height > MOST_PIXELS:
        raise Refused("media_too_large", limit=f"{MOST_PIXELS // 1_000_000} MP")
    writer: _Writer | None = None
    for frame in read.decode(stream):
        if frame.width * frame.height > MOST_PIXELS:
            raise Refused("media_too_large", limit=f"{MOST_PIXELS // 1_000_000} MP")
        if frame.pts is None:
            continue
        if writer is None:
            writer = _Writer(out, frame)
        writer.add(frame)
    if writer is None:
        raise Refused("media_unreadable")
    return writer.close()


def _codec(stream: Any) -> str:
    name = str(stream.codec_context.name)
    return DECODERS.get(name, name)


class _Writer:
    """Into one file that every browser plays; its first frame is the picture that stands before."""

    def __init__(self, out: Path, first: Any) -> None:
        import av

        self._turned = int(first.rotation) % 360
        upright: Image.Image = self._upright(first)
        share = min(Fraction(1), Fraction(SIDE, max(upright.size)))
        self.width, self.height = (max(16, int(side * share) // 2 * 2) for side in upright.size)
        in_sizes(upright.copy(), out)
        self._file = av.open(
            str(out / "film.mp4"), "w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}
        )
        options = {"preset": "veryfast", "crf": "24", "profile": "main"}
        self._stream = self._file.add_stream("libx264", rate=30, options=options)
        self._stream.width, self._stream.height = self.width, self.height
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.thread_count = 1
        self._stream.codec_context.time_base = Fraction(1, CLOCK)
        self._start, self._last = Fraction(first.pts) * first.time_base, -CLOCK

    def add(self, frame: Any) -> None:
        import av

        at = int((Fraction(frame.pts) * frame.time_base - self._start) * CLOCK)
        if at > MOST_SECONDS * CLOCK:
            raise Refused("media_too_long", seconds=MOST_SECONDS)
        if at - self._last < CLOCK // MOST_RATE:
            return
        self._last = at
        if self._turned:
            frame_of: Callable[[Image.Image], Any] = av.VideoFrame.from_image
            frame = frame_of(self._upright(frame))
        drawn = frame.reformat(self.width, self.height, "yuv420p")
        drawn.pts, drawn.time_base = at, Fraction(1, CLOCK)
        drawn.pict_type = 0  # where whole pictures stand is for our own encoder to say
        for packet in self._stream.encode(drawn):
            self._file.mux(packet)

    def close(self) -> Drawn:
        for packet in self._stream.encode():
            self._file.mux(packet)
        self._file.close()
        return Drawn(self.width, self.height, millis=max(0, self._last) * 1000 // CLOCK)

    def _upright(self, frame: Any) -> Image.Image:
        image: Image.Image = frame.to_image()
        return image.rotate(self._turned, expand=True) if self._turned else image
