"""A request in the provider's form, read and checked against the SDK's own typed parameters."""

import importlib
import re
import types
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Literal, NotRequired, Required, Union, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl

from pavilion.settlement.payments.double.wrong import Wrong

_PART = re.compile(r"\[([^\[\]]*)\]")
_NAMES = {"StripeContext": object, "Mapping": Mapping}  # named in the SDK's hints, imported there for checkers only
_REMOVED = "payment_method_types"  # since API 2026-09-30
MOST_DEEP, LONGEST = 8, 5000


def read(content: str, kind: str | None) -> dict[str, Any]:
    """The parameters of a request as the SDK's type `module:Class` has them; whatever is not in it is refused."""
    form = _unfold(parse_qsl(content, keep_blank_values=True, max_num_fields=1000))
    if _REMOVED in form:
        raise Wrong(
            f"The parameter `{_REMOVED}` is no longer supported; use `allowed_payment_method_types`.",
            code="payment_method_types_no_longer_supported",
            param=_REMOVED,
        )
    if kind is None:
        return _members(form, {}, frozenset(), "")
    hints, required = _hints_of(kind)
    return _members(form, hints, required, "")


@cache
def _hints_of(kind: str) -> tuple[dict[str, Any], frozenset[str]]:
    module, _, name = kind.partition(":")
    found = getattr(importlib.import_module(f"stripe.params.{module}"), name)
    return _open(found, skip=_options())


@cache
def _options() -> frozenset[str]:
    """The SDK's options of a call stand in the same types, and never travel in the form."""
    return frozenset(importlib.import_module("stripe._request_options").RequestOptions.__annotations__)


@cache
def _open(typed: Any, skip: frozenset[str] = frozenset()) -> tuple[dict[str, Any], frozenset[str]]:
    hints = get_type_hints(typed, localns=_NAMES, include_extras=True)
    return {name: hint for name, hint in hints.items() if name not in skip}, frozenset(typed.__required_keys__) - skip


def _unfold(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """`a[b][0]=c` becomes `{"a": {"b": {"0": "c"}}}`."""
    whole: dict[str, Any] = {}
    for name, value in pairs:
        head, rest = name.partition("[")[0], _PART.findall(name)
        if len(rest) > MOST_DEEP or not head:
            raise Wrong(f"Invalid parameter name: {name[:80]}", code="parameter_unknown", param=name[:80])
        here = whole
        *way, last = [head, *rest]
        for part in way:
            below = here.setdefault(part, {})
            if not isinstance(below, dict):
                raise Wrong(f"Invalid object: {name}", code="parameter_invalid", param=name)
            here = below
        here[last or str(len(here))] = value
    return whole


def _members(form: Mapping[str, Any], hints: Mapping[str, Any], required: frozenset[str], at: str) -> dict[str, Any]:
    for name in form:
        if name not in hints:
            where = _below(at, name)
            raise Wrong(f"Received unknown parameter: {where}", code="parameter_unknown", param=where)
    for name in sorted(required):
        if name not in form:
            where = _below(at, name)
            raise Wrong(f"Missing required param: {where}.", code="parameter_missing", param=where)
    return {name: _value(hints[name], value, _below(at, name)) for name, value in form.items()}


def _value(hint: Any, said: Any, at: str) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (NotRequired, Required):
        return _value(inner[0], said, at)
    if origin in (Union, types.UnionType):
        return _either(inner, said, at)
    if hasattr(hint, "__required_keys__"):
        hints, required = _open(hint)
        return _members(_whole(said, at, "object"), hints, required, at)
    if origin is list:
        items = _whole(said, at, "array")
        return [_value(inner[0], items[n], f"{at}[{n}]") for n in sorted(items, key=_place)]
    if origin is not None and origin is not Literal:  # Dict[str, T], UntypedStripeObject[T]
        return {name: _value(inner[-1], value, _below(at, name)) for name, value in _whole(said, at, "object").items()}
    return _plain(hint, inner, said, at)


def _either(choices: tuple[Any, ...], said: Any, at: str) -> Any:
    """The first choice that fits. A closed list beside a plain text is meant as a closed list."""
    listed = [one for one in choices if get_origin(one) is Literal and get_args(one) != ("",)]
    fitting = [one for one in choices if one is not type(None) and (one is not str or not listed)]
    fault: Wrong | None = None
    for one in fitting:
        try:
            return _value(one, said, at)
        except Wrong as found:
            fault = found if fault is None or isinstance(said, dict) else fault
    raise fault or Wrong(f"Invalid value: {at}", param=at)


def _plain(hint: Any, allowed: tuple[Any, ...], said: Any, at: str) -> Any:
    if not isinstance(said, str):
        raise Wrong(f"Invalid value: {at}", code="parameter_invalid", param=at)
    if len(said) > LONGEST:
        raise Wrong(f"Invalid string: {at} is too long", code="parameter_invalid_string", param=at)
    if get_origin(hint) is Literal:
        if said not in allowed:
            words = ", ".join(str(one) for one in allowed)
            raise Wrong(f"Invalid {at}: must be one of {words}", param=at)
    elif hint is int:
        if not re.fullmatch(r"-?[0-9]{1,18}", said):
            raise Wrong(f"Invalid integer: {said[:40]}", code="parameter_invalid_integer", param=at)
        return int(said)
    elif hint is bool:
        if said not in ("true", "false"):
            raise Wrong(f"Invalid boolean: {said[:40]}", param=at)
        return said == "true"
    return said


def _whole(said: Any, at: str, kind: str) -> dict[str, Any]:
    if not isinstance(said, dict):
        raise Wrong(f"Invalid {kind}", code="parameter_invalid", param=at)
    return said


def _place(name: str) -> int:
    return int(name) if name.isdigit() else 0


def _below(at: str, name: str) -> str:
    return f"{at}[{name}]" if at else name
