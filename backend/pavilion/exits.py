"""How every command of the house ends."""

import typer

DONE, FALSE, UNDECIDED, UNREADABLE = 0, 1, 2, 3


def stop(words: str, code: int = UNREADABLE) -> typer.Exit:
    """To be raised: the words stand on the error stream."""
    typer.echo(words, err=True)
    return typer.Exit(code)
