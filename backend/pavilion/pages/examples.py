"""An example of what a JSON schema describes, put together from the examples of its parts. Pure."""

from typing import Any

AT = "#/components/schemas/"


def example_of(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """The same for the same schema. A part that says no example has the smallest value that its bounds allow."""
    for name in ("example", "const"):
        if name in schema:
            return schema[name]
    for name in ("examples", "enum"):
        if schema.get(name):
            return schema[name][0]
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].removeprefix(AT)], schemas)
    if "allOf" in schema:
        return example_of(schema["allOf"][0], schemas)
    for name in ("anyOf", "oneOf"):
        if name in schema:
            return example_of(schema[name][0], schemas)
    return _of_type(schema, schemas)


def _of_type(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    match schema.get("type"):
        case "object":
            members = schema.get("properties", {})
            return {name: example_of(part, schemas) for name, part in members.items()}
        case "array":
            least = 1 if schema.get("maxItems", 1) else 0
            return [example_of(schema["items"], schemas) for _ in range(max(least, schema.get("minItems", 0)))]
        case "integer" | "number":
            return schema.get("default", schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1))
        case "boolean":
            return schema.get("default", False)
        case "string":
            return schema.get("default", "")
        case "null":
            return None
    return {}
