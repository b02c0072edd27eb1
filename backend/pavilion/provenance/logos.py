"""A company's mark as it may stand on a passport: drawn again by us, so that nothing but the picture comes through."""

import re
from typing import NamedTuple
from xml.etree import ElementTree

from pavilion.kernel.canon import sha256_hex
from pavilion.kernel.errors import BadInput
from pavilion.webkit import pictures

MOST_BYTES = 256 * 1024
MOST_PIXELS = 16_000_000
SIDE = 640  # pixels of the longer side
PNG, SVG = "image/png", "image/svg+xml"
_NAMESPACE = "http://www.w3.org/2000/svg"
_ELEMENTS = frozenset(
    {
        *("svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "defs", "clipPath"),
        *("linearGradient", "radialGradient", "stop", "title", "desc"),
    }
)
_ATTRIBUTES = frozenset(
    {
        *("id", "d", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "fx", "fy", "width", "height"),
        *("viewBox", "points", "transform", "fill", "fill-rule", "fill-opacity", "clip-rule", "clip-path", "opacity"),
        *("stroke", "stroke-width", "stroke-linecap", "stroke-linejoin", "stroke-opacity", "stroke-dasharray"),
        *("offset", "stop-color", "stop-opacity", "gradientUnits", "gradientTransform", "spreadMethod"),
        *("clipPathUnits", "preserveAspectRatio", "version"),
    }
)
_VALUE = re.compile(r"[A-Za-z0-9#.,%()\s+:_-]{0,100000}")
_INSIDE = re.compile(r"url\(#[A-Za-z0-9_-]{1,80}\)")
_MOST_ELEMENTS = 2_000
_MOST_DEPTH = 60


class Mark(NamedTuple):
    media_type: str
    data: bytes

    @property
    def sha256(self) -> str:
        return sha256_hex(self.data)


def redrawn(data: bytes) -> Mark:
    """The picture encoded anew; BadInput for what is none, too large, or has parts that are not drawing."""
    if not data or len(data) > MOST_BYTES:
        raise _refused()
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    mark = _svg(data) if head.startswith((b"<?xml", b"<svg", b"<!--")) else _png(data)
    if len(mark.data) > MOST_BYTES:
        raise _refused()
    return mark


def _png(data: bytes) -> Mark:
    try:
        return Mark(PNG, pictures.as_png(data, most_pixels=MOST_PIXELS, side=SIDE))
    except pictures.Unreadable:
        raise _refused() from None


def _svg(data: bytes) -> Mark:
    """Only drawing elements and their measures; whatever could load, run or name something outside is refused."""
    if b"<!DOCTYPE" in data.upper() or b"<!ENTITY" in data.upper():
        raise _refused()
    try:
        root = ElementTree.fromstring(data)  # noqa: S314 - no document type, so no entities to expand
    except (ElementTree.ParseError, ValueError, LookupError):
        raise _refused() from None
    elements = list(root.iter())
    if root.tag != f"{{{_NAMESPACE}}}svg" or len(elements) > _MOST_ELEMENTS:
        raise _refused()
    if _is_deep(root, _MOST_DEPTH):
        raise _refused()
    for element in elements:
        _check(element)
    ElementTree.register_namespace("", _NAMESPACE)
    return Mark(SVG, ElementTree.tostring(root, encoding="utf-8", xml_declaration=False))


def _is_deep(root: ElementTree.Element, most: int) -> bool:
    level = [root]
    for _ in range(most):
        level = [child for element in level for child in element]
    return bool(level)


def _check(element: ElementTree.Element) -> None:
    space, _, name = str(element.tag).rpartition("}")
    if space != f"{{{_NAMESPACE}" or name not in _ELEMENTS:
        raise _refused()
    if name not in ("title", "desc") and ((element.text or "").strip() or (element.tail or "").strip()):
        raise _refused()
    for attribute, value in element.attrib.items():
        if attribute not in _ATTRIBUTES or _VALUE.fullmatch(value) is None:
            raise _refused()
        if "url" in value.lower() and _INSIDE.fullmatch(value.strip()) is None:
            raise _refused()


def _refused() -> BadInput:
    return BadInput(fields={"logo": "bad_logo"})
