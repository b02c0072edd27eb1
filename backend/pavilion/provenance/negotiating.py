"""Which form of a passport a reader asks for. Pure."""

from enum import StrEnum

VC, VC_JWT, SD_JWT, PDF = "application/vc", "application/vc+jwt", "application/dc+sd-jwt", "application/pdf"


class Form(StrEnum):
    HTML = "html"
    JSON = "json"
    JWT = "jwt"
    SD_JWT = "sd-jwt"
    PDF = "pdf"


_BY_TYPE = {
    "text/html": Form.HTML,
    "application/xhtml+xml": Form.HTML,
    VC: Form.JSON,
    "application/vc+ld+json": Form.JSON,
    "application/ld+json": Form.JSON,
    "application/json": Form.JSON,
    VC_JWT: Form.JWT,
    "application/jwt": Form.JWT,
    SD_JWT: Form.SD_JWT,
    PDF: Form.PDF,
}
MOST_TYPES = 32


def form_of(accept: str, named: str | None = None) -> Form:
    """The form that is named in the address, else the best of those the reader accepts; a page for everybody else."""
    if named in set(Form):
        return Form(named)
    best, weight = Form.HTML, 0
    for place, part in enumerate(accept.split(",")[:MOST_TYPES]):
        kind, *said = (piece.strip().lower() for piece in part.split(";"))
        form = _BY_TYPE.get(kind)
        rank = _thousandths(said) * MOST_TYPES - place
        if form is not None and _thousandths(said) and rank > weight:
            best, weight = form, rank
    return best


def _thousandths(said: list[str]) -> int:
    """The quality a reader gives a type, in thousandths; one that cannot be read counts nothing."""
    for piece in said:
        name, _, value = piece.partition("=")
        if name.strip() == "q":
            whole, _, rest = value.strip().partition(".")
            digits = (rest + "000")[:3]
            if whole not in ("0", "1") or not digits.isdecimal():
                return 0
            return min(1000, int(whole) * 1000 + int(digits))
    return 1000
