"""Refusals: requests we understood and will not carry out."""

from collections.abc import Mapping


class Refusal(Exception):
    """Never a bug, never a 500. The words for `code` live in the catalogues, in every language."""

    status: int  # of the class; an instance may have been given its own
    code: str  # so too

    def __init_subclass__(cls) -> None:
        assert 400 <= cls.status < 600 and cls.code, f"{cls.__name__} must say how it refuses"

    def __init__(self, **facts: object) -> None:
        super().__init__(f"{self.code} {facts}")
        self.facts = facts

    @property
    def fields(self) -> dict[str, str]:
        """The fault of each field of an input, by its code; none where the refusal is of no field."""
        found = self.facts.get("fields")
        return dict(found) if isinstance(found, Mapping) else {}


class SignedOut(Refusal):
    status, code = 401, "signed_out"


class NotAllowed(Refusal):
    status, code = 403, "not_allowed"


class ForeignRequest(Refusal):
    status, code = 403, "foreign_request"


class NotFound(Refusal):
    """Unknown, foreign and hidden things answer alike, so that nobody can probe for them."""

    status, code = 404, "not_found"


class StaleVersion(Refusal):
    status, code = 409, "stale_version"


class ActNotAllowed(Refusal):
    """The state of the thing does not permit this act now."""

    status, code = 409, "act_not_allowed"


class NotDone(Refusal):
    """Whoever decides said no, for a reason of its own: `code` is the one it gave."""

    status, code = 409, "act_not_allowed"

    def __init__(self, code: str, **facts: object) -> None:
        self.code = code
        super().__init__(state=code, **facts)


class KeyReused(Refusal):
    status, code = 409, "key_reused"


class TooLarge(Refusal):
    status, code = 413, "too_large"


class WrongType(Refusal):
    status, code = 415, "wrong_type"


class BadInput(Refusal):
    """`fields` maps a field's name to the code of its fault."""

    status, code = 422, "bad_input"


class SlowDown(Refusal):
    status, code = 429, "slow_down"
