"""What the double refuses, in the provider's own form."""

from typing import Any


class Wrong(Exception):
    """An answer with an error: its status, type, code and the parameter it is about. With `keeps` what was done until
    then stands, as a declined payment does."""

    def __init__(
        self, message: str, *, code: str | None = None, param: str | None = None, status: int = 400,
        type: str = "invalid_request_error", keeps: bool = False, **more: Any,
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.status, self.code, self.keeps = status, code, keeps
        said = {"type": type, "message": message, "code": code, "param": param, **more}
        self.body = {"error": {name: value for name, value in said.items() if value is not None}}


def no_such(kind: str, named: str, param: str = "id") -> Wrong:
    return Wrong(f"No such {kind}: '{named}'", code="resource_missing", param=param, status=404)


def declined(code: str, **more: Any) -> Wrong:
    """A card that says no."""
    return Wrong("Your card was declined.", code=code, status=402, type="card_error", keeps=True, **more)
