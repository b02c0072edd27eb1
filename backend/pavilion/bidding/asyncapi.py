"""The live protocol as an AsyncAPI 3 document, generated from the messages that the socket reads and writes. Pure."""

from typing import Any, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from pavilion.bidding.messages import FromBrowser, ToBrowser

PROTOCOL = "pavilion.1"
ABOUT = (
    "One socket at /live, subprotocol pavilion.1, text frames of JSON. Signed in by the session cookie, or by a "
    "one-use ticket of POST /api/v1/tickets in `hello`. A client ignores members that it does not know and refuses a "
    "lot's event whose `prev` is not the hash of the one before; it asks for what it missed with `watch` and `after`. "
    "Amounts are whole minor units, instants RFC 3339 in UTC with microseconds."
)


def document(public_url: str) -> dict[str, Any]:
    """The document for the house at this address."""
    said, heard = get_args(FromBrowser), get_args(ToBrowser)
    schemas = _schemas(said, heard)
    address = urlsplit(public_url)
    sent = {_name(model, "Ask"): _message(model, "Ask") for model in said}
    told = {_name(model, ""): _message(model, "") for model in heard}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Pavilion, the live saleroom", "version": "1", "description": ABOUT},
        "defaultContentType": "application/json",
        "servers": {
            "house": {
                "host": address.netloc,
                "protocol": "wss" if address.scheme == "https" else "ws",
                "security": [{"$ref": "#/components/securitySchemes/session"}],
            }
        },
        "channels": {
            "live": {
                "address": "/live",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in sorted(sent | told)},
                "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
            }
        },
        "operations": {
            "say": _operation("receive", "What a client may say.", sent),
            "hear": _operation("send", "What the house says.", told),
        },
        "components": {
            "messages": sent | told,
            "schemas": schemas,
            "securitySchemes": {"session": {"type": "httpApiKey", "in": "cookie", "name": "session"}},
        },
    }


def _operation(action: str, summary: str, messages: dict[str, Any]) -> dict[str, Any]:
    there = [{"$ref": f"#/channels/live/messages/{name}"} for name in sorted(messages)]
    return {"action": action, "summary": summary, "channel": {"$ref": "#/channels/live"}, "messages": there}


def _message(model: type[BaseModel], prefix: str) -> dict[str, Any]:
    title = (model.__doc__ or "").strip().split("\n")[0] if "__doc__" in model.__dict__ else ""
    found = {"name": _op(model), "payload": {"$ref": f"#/components/schemas/{_name(model, prefix)}"}}
    return found | ({"summary": title} if title else {})


def _schemas(said: tuple[type[BaseModel], ...], heard: tuple[type[BaseModel], ...]) -> dict[str, Any]:
    """Requests as they are checked, answers as they are written; parts that both share have one name."""
    at = "#/components/schemas/{model}"
    asked = models_json_schema([(model, "validation") for model in said], ref_template=at)
    told = models_json_schema([(model, "serialization") for model in heard], ref_template=at)
    names = {model.__name__: _name(model, "Ask") for model in said} | {
        model.__name__: _name(model, "") for model in heard
    }
    parts = asked[1].get("$defs", {}) | told[1].get("$defs", {})
    return {names.get(name, name): schema for name, schema in sorted(parts.items())}


def _op(model: type[BaseModel]) -> str:
    return str(get_args(model.model_fields["op"].annotation)[0])


def _name(model: type[BaseModel], prefix: str) -> str:
    """Of the two messages called `clock` one is asked and one is told."""
    words = "".join(part.capitalize() for part in _op(model).split("_"))
    return f"{prefix}{words}"
