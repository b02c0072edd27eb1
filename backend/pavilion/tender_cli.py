"""The commands for sealed tenders: `pavilion seal` for a bidder, `pavilion custodian` for who keeps a key. They need no
house, no database, no settings and no network; what the house's pages do in a browser they do without its code."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pavilion.exits import FALSE, UNDECIDED, stop

if TYPE_CHECKING:
    from pavilion.bidding.custody import Refused, Tender

MOST_RULES = 1024 * 1024
_UNREADABLE = ("custodian_key_bad", "tender_bad")
_WORDS = {
    "custodian_key_bad": "not a custodian's key; choose the key.json you made, or look for a slip of the pen",
    "tender_bad": "not a tender file",
    "tender_false": "the log of the sale does not bear this out",
    "tender_early": "the tender has not ended; by its rules it ends no sooner than",
    "tender_clock": "this machine's clock is behind the closing of the tender, at",
    "tender_other_house": "not signed by the house you named",
    "tender_other_rules": "not the rules you named; the file has those with the hash",
    "tender_twice": "you opened this round before, with another closing; tell the other custodians. That one was",
    "tender_not_custodian": "the rules of this tender do not name the key",
}


def seal(
    rules: Annotated[Path, typer.Option(help="The rules of the sale, as /sales/SALE/rules.json answers.")],
    sale: Annotated[str, typer.Option(help="The id of the sale.")],
    lot: Annotated[str, typer.Option(help="The id of the lot.")],
    paddle: Annotated[str, typer.Option(help="Your paddle in this sale, such as P-0417.")],
    entry: Annotated[str, typer.Option(help="total, per_carat or discount.")],
    out: Annotated[Path, typer.Option(help="The file that the envelope is written to.")],
    amount: Annotated[int | None, typer.Option(help="In the smallest unit of the currency: cents.")] = None,
    bp: Annotated[int | None, typer.Option(help="Discount from the benchmark in hundredths of a percent.")] = None,
    key: Annotated[str, typer.Option(help="32 hex digits, the same for each attempt at one bid; made if absent.")] = "",
) -> None:
    """Seal a bid in a tender, so that only its custodians together can open it."""
    from pavilion.bidding.ruleset import parse_rules
    from pavilion.bidding.sealing import Payload
    from pavilion.bidding.sealing import seal as sealed
    from pavilion.bidding.tender import ENTRIES, LEAST_BP, MOST_BP
    from pavilion.kernel.canon import canonical, document_hash
    from pavilion.kernel.clock import utc_now
    from pavilion.kernel.instants import stamp
    from pavilion.kernel.money import MAX_AMOUNT

    value = bp if entry == "discount" else amount
    if entry not in ENTRIES or value is None or (amount is not None and bp is not None):
        raise stop("--entry total or per_carat needs --amount, --entry discount needs --bp, and only that")
    document = _rules(rules)
    try:
        tender = parse_rules(document).tender
    except ValueError as fault:
        raise stop(f"{rules}: not the rules of a sale: {fault}") from None
    if tender is None:
        raise stop(f"{rules}: not the rules of a sealed tender", FALSE)
    if not (LEAST_BP <= value < MOST_BP if entry == "discount" else 1 <= value <= MAX_AMOUNT):
        raise stop("amount_invalid" if entry == "discount" or value < 1 else "amount_too_large", FALSE)
    key = key or os.urandom(16).hex()
    payload = Payload(sale, lot, paddle, key, entry, value, stamp(utc_now()))
    try:
        envelope = sealed(payload, tender.custodians, tender.k, os.urandom)
    except ValueError as fault:
        raise stop(str(fault)) from None
    _write(out, canonical(envelope.document()) + b"\n")
    typer.echo(f"rules: {document_hash(document)}")
    typer.echo(f"key: {key}")
    opens = f"any {tender.k} of {len(tender.custodians)} custodians"
    typer.echo(f"opens with: {opens if tender.sealed else 'the house alone: the operator could read this bid'}")
    typer.echo(f"envelope: {envelope.hash}")


custodian_app = typer.Typer(no_args_is_help=True, help="Keep a key of a sealed tender.")


@custodian_app.command("new")
def new(out: Annotated[Path, typer.Option(help="The key file; it must not exist yet.")]) -> None:
    """Make a key pair, keep it in a file that only you can read, and print the public key for the rules of the sale."""
    from pavilion.bidding.custody import key_document, new_key
    from pavilion.kernel.canon import canonical

    key = key_document(new_key(os.urandom))
    _write(out, canonical(key) + b"\n", new=True)
    typer.echo(key["public"])


@custodian_app.command("open")
def open_(
    key: Annotated[Path, typer.Option(help="Your key file.")],
    tender: Annotated[Path, typer.Option(help="The tender file, as the house's page of the opening hands it out.")],
    out: Annotated[Path, typer.Option(help="The file that your shares are written to.")],
    house: Annotated[str | None, typer.Option(help="Verifier key of the house, as you were handed it before.")] = None,
    rules: Annotated[Path | None, typer.Option(help="The rules of the sale, as you kept them.")] = None,
    notes: Annotated[Path | None, typer.Option(help="What you opened before; usually beside the key.")] = None,
) -> None:
    """Check that the tender was closed and is over, open your share of every envelope, and sign them.

    It is noted what was opened, since each round of a tender is opened once."""
    from pavilion.bidding.custody import (
        MOST_BYTES,
        Refused,
        check_tender,
        open_tender,
        read_key,
        read_tender,
        signed_shares,
    )
    from pavilion.kernel.canon import canonical
    from pavilion.kernel.clock import utc_now
    from pavilion.kernel.instants import micros

    try:
        private = read_key(_read(key, 10_000))
        file = read_tender(_read(tender, MOST_BYTES))
        book = notes or key.with_name(f"{key.name}.opened")
        before = _noted(book)
        answered = {int(which): closed for which, closed in before.get(file.sale, {}).items()}
        pinned = None if rules is None else _rules(rules)
        check_tender(file, micros(utc_now()), house=house, rules=pinned, answered=answered)
        found = open_tender(private, file)
    except Refused as fault:
        raise _refused(fault) from None
    _tell(file, house is None or rules is None)
    mine = {**before.get(file.sale, {}), str(file.round): found.closed}
    _write(book, canonical({**before, file.sale: mine}) + b"\n")
    _write(out, canonical(signed_shares(private, found)) + b"\n")
    opened = sum(one.share is not None for one in found.shares)
    typer.echo(f"opened: {opened} of {len(found.shares)} shares of custodian {found.x}, in {out}")


def _noted(path: Path) -> dict[str, dict[str, str]]:
    """Which closings were opened before: by sale, then by round."""
    from pavilion.kernel.canon import read_json

    if not path.exists():
        return {}
    try:
        found: dict[str, dict[str, str]] = read_json(_read(path, MOST_RULES))
        assert all(which in ("1", "2") and len(one) == 64 for told in found.values() for which, one in told.items())
    except (ValueError, AttributeError, TypeError, AssertionError):
        raise stop(f"{path}: not the notes of what was opened before") from None
    return found


def _tell(file: "Tender", unpinned: bool) -> None:
    from pavilion.kernel.canon import document_hash

    which = "the first round" if file.opened is None else "the best and final round"
    typer.echo(f"sale: {file.sale}, {which} closed {file.closed.event['at']}")
    typer.echo(f"signed by: {' '.join(file.keys)}")
    typer.echo(f"rules: {document_hash(file.rules)}")
    if unpinned:
        typer.echo("note: compare key and rules with what you were handed before the sale, or name them beforehand")


def _refused(fault: "Refused") -> typer.Exit:
    if fault.code in _UNREADABLE:
        return stop(_WORDS[fault.code] + (f": {fault.fact}" if fault.code == "tender_bad" else ""))
    return stop(f"refused: {_WORDS[fault.code]}: {fault.fact}", UNDECIDED if fault.code == "tender_clock" else FALSE)


def _rules(path: Path) -> Any:
    from pavilion.kernel.canon import read_json

    try:
        return read_json(_read(path, MOST_RULES))
    except ValueError as fault:
        raise stop(f"{path}: {fault}") from None


def _read(path: Path, most: int) -> bytes:
    try:
        if not path.is_file() or path.stat().st_size > most:
            raise stop(f"{path}: not a file of at most {most} bytes")
        return path.read_bytes()
    except OSError as fault:
        raise stop(f"{path}: {fault.strerror}") from None


def _write(path: Path, data: bytes, *, new: bool = False) -> None:
    """The file holds the data and can be read by nobody else; with `new` it did not exist before."""
    how = os.O_WRONLY | os.O_CREAT | (os.O_EXCL if new else os.O_TRUNC)
    try:
        with os.fdopen(os.open(path, how, 0o600), "wb") as file:
            file.write(data)
    except FileExistsError:
        raise stop(f"{path}: exists, and a key is never written over", FALSE) from None
    except OSError as fault:
        raise stop(f"{path}: {fault.strerror}") from None
