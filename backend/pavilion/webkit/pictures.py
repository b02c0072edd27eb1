"""Pictures of strangers, drawn again by us: nothing but the picture comes through, whatever else the file held."""

import io
import warnings

from PIL import Image, UnidentifiedImageError


class Unreadable(Exception):
    """No picture of a kind that is taken, or one of more pixels than are opened."""


def as_jpeg(data: bytes, *, most_pixels: int, side: int) -> bytes:
    return _encoded(_opened(data, "RGB", most_pixels, side), "JPEG", quality=85)


def as_png(data: bytes, *, most_pixels: int, side: int) -> bytes:
    """With what is transparent in it."""
    return _encoded(_opened(data, "RGBA", most_pixels, side), "PNG", optimize=True)


def _opened(data: bytes, mode: str, most_pixels: int, side: int) -> Image.Image:
    """The pixels alone, the longer side no longer than `side`. A picture whose reading only warns is refused too."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            image: Image.Image = Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP"))
            if image.width * image.height > most_pixels:
                raise Unreadable()
            image.load()
            image = image.convert(mode)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Warning, Image.DecompressionBombError):
        raise Unreadable() from None
    image.thumbnail((side, side))
    return image


def _encoded(image: Image.Image, kind: str, **how: int) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()
