"""The live messages as TypeScript, for the modules of the room: `python -m pavilion.bidding.declarations FILE`."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic.json_schema import models_json_schema

from pavilion.bidding import messages
from pavilion.bidding.messages import Message

HEAD = "// The messages of the live room, made from the server's own models. Do not edit: `{command}`.\n"
COMMAND = "python -m pavilion.bidding.declarations frontend/types/messages.d.ts"


def declarations() -> str:
    """One interface per message, then the two unions that travel."""
    outgoing, incoming = get_args(messages.ToBrowser), get_args(messages.FromBrowser)
    wanted: list[type[Message]] = [*outgoing, *incoming]
    pairs: list[tuple[type[Message], Any]] = [
        (model, "validation" if model in incoming else "serialization") for model in wanted
    ]
    _, schema = models_json_schema(pairs, ref_template="{model}")
    blocks = [_interface(name, body) for name, body in sorted(schema["$defs"].items())]
    unions = [
        f"export type {name} = {' | '.join(model.__name__ for model in models)};\n"
        for name, models in (("FromBrowser", incoming), ("ToBrowser", outgoing))
    ]
    return HEAD.format(command=COMMAND) + "\n" + "\n".join([*blocks, *unions])


def _interface(title: str, body: Mapping[str, Any]) -> str:
    required = set(body.get("required", ()))
    lines = [
        f"  {member}{'' if member in required else '?'}: {_type(shape)};\n"
        for member, shape in body["properties"].items()
    ]
    return f"export interface {title} {{\n{''.join(lines)}}}\n"


def _type(shape: Mapping[str, Any]) -> str:
    if "const" in shape:
        return _literal(shape["const"])
    if "enum" in shape:
        return " | ".join(map(_literal, shape["enum"]))
    if "$ref" in shape:
        return str(shape["$ref"])
    if "anyOf" in shape:
        return " | ".join(dict.fromkeys(_type(one) for one in shape["anyOf"]))
    match shape.get("type"):
        case "string":
            return "string"
        case "integer" | "number":
            return "number"
        case "boolean":
            return "boolean"
        case "null":
            return "null"
        case "array":
            inner = _type(shape["items"])
            return f"({inner})[]" if " " in inner else f"{inner}[]"
        case "object":
            more = shape.get("additionalProperties", True)
            if "patternProperties" in shape:
                more = next(iter(shape["patternProperties"].values()))
            return f"Record<string, {_type(more) if isinstance(more, Mapping) else 'any'}>"
    return "any"


def _literal(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(declarations())
