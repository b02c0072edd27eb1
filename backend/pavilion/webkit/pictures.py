"""Pictures of strangers, drawn again by us: nothing but the picture comes through, whatever else the file held."""

import io
import warnings

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

_MOST_PROFILE = 4 * 1024 * 1024  # bytes of a colour profile


class Unreadable(Exception):
    """No picture of a kind that is taken, or one of more pixels than are opened."""


class TooManyPixels(Unreadable):
    """Its first bytes say more pixels than are opened; none of them was."""


def as_jpeg(data: bytes, *, most_pixels: int, side: int) -> bytes:
    return _encoded(_within(data, "RGB", most_pixels, side), "JPEG", quality=85)


def as_png(data: bytes, *, most_pixels: int, side: int) -> bytes:
    """With what is transparent in it."""
    return _encoded(_within(data, "RGBA", most_pixels, side), "PNG", optimize=True)


def opened(data: bytes, *, most_pixels: int, draft: int | None = None) -> Image.Image:
    """The pixels alone, upright, RGB or RGBA, in the colours of a screen. A picture whose reading only warns is refused
    too. `draft`: no side needs to be longer, which a JPEG is quicker for."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            image: Image.Image = Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP"))
            if image.width * image.height > most_pixels:
                raise TooManyPixels()
            if draft is not None:
                image.draft("RGB", (draft, draft))
            image.load()
            image = _for_screens(ImageOps.exif_transpose(image))
            plain = Image.new(image.mode, image.size)
            plain.paste(image)  # without anything that stood beside the pixels
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise TooManyPixels() from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Warning):
        raise Unreadable() from None
    return plain


def _for_screens(image: Image.Image) -> Image.Image:
    """Colours by the picture's own profile, where it has one that can be read, become those that every screen shows."""
    profile = image.info.get("icc_profile")
    has_alpha = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    if profile and len(profile) <= _MOST_PROFILE and not has_alpha and image.mode in ("RGB", "CMYK", "L"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            shown = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            shown = None
        if shown is not None:
            return shown
    return image.convert("RGBA" if has_alpha else "RGB")


def _within(data: bytes, mode: str, most_pixels: int, side: int) -> Image.Image:
    """The longer side is no longer than `side`."""
    image = opened(data, most_pixels=most_pixels).convert(mode)
    image.thumbnail((side, side))
    return image


def _encoded(image: Image.Image, kind: str, **how: int) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()
