"""Where the `$ref` of a document lead."""


def pointers(part):
    """Every pointer that stands in a part of a document."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "$ref":
                yield value
            else:
                yield from pointers(value)
    elif isinstance(part, list):
        for value in part:
            yield from pointers(value)


def found(document, pointer):
    """What a pointer leads to; KeyError where it leads nowhere."""
    place = document
    for part in pointer.removeprefix("#/").split("/"):
        place = place[part]
    return place
