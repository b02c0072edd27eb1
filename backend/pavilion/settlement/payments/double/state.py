"""What the double remembers, in a SQLite file or memory: a request is one transaction, a restart changes nothing."""

import json
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Thing = dict[str, Any]

_TABLES = """
create table if not exists things (
    n integer primary key autoincrement, id text not null unique, kind text not null, body text not null);
create index if not exists things_kind on things (kind, n);
create table if not exists keys (
    key text primary key, print text not null, status integer, body text);
create table if not exists calls (
    n integer primary key autoincrement, event text not null, due_ms integer not null, forged integer not null,
    attempts integer not null default 0, state text not null default 'waiting', answer text not null default '');
create index if not exists calls_state on calls (state, due_ms);
create table if not exists notes (name text primary key, value text not null);
"""
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZabcdefghjkmnpqrstvwxyz"


class State:
    """Objects by id, idempotency keys with their answers, webhook calls, and the orders in force."""

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        self._db.execute("pragma journal_mode=wal")
        self._db.executescript(_TABLES)
        self._deep = 0

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def change(self) -> Iterator[None]:
        """All of it or nothing, unless the refusal itself is to be kept; inside another change it is part of that."""
        if self._deep:
            yield
            return
        self._db.execute("begin immediate")
        self._deep += 1
        try:
            yield
        except BaseException as fault:
            self._db.execute("commit" if getattr(fault, "keeps", False) else "rollback")
            raise
        else:
            self._db.execute("commit")
        finally:
            self._deep -= 1

    def put(self, thing: Thing) -> Thing:
        """The object stands so from now on."""
        self._db.execute(
            "insert into things (id, kind, body) values (?, ?, ?) on conflict (id) do update set body = excluded.body",
            (thing["id"], thing["object"], json.dumps(thing)),
        )
        return thing

    def get(self, named: str, kind: str | None = None) -> Thing | None:
        row = self._db.execute("select kind, body from things where id = ?", (named,)).fetchone()
        return None if row is None or kind not in (None, row[0]) else json.loads(row[1])

    def all(self, kind: str, **like: Any) -> list[Thing]:
        """The objects of a kind whose members have these values, oldest first."""
        rows = self._db.execute("select body from things where kind = ? order by n", (kind,))
        things = (json.loads(body) for (body,) in rows)
        return [thing for thing in things if all(thing.get(name) == value for name, value in like.items())]

    def new_id(self, prefix: str) -> str:
        """Ids of one double are in order and never those of another: the demonstration may be begun afresh."""
        count = int(self.note("count") or 0) + 1
        self.set_note("count", str(count))
        stamp = self.note("stamp")
        if stamp is None:
            stamp = "".join(secrets.choice(_LETTERS) for _ in range(8))
            self.set_note("stamp", stamp)
        return f"{prefix}_1{stamp}{count:08d}"

    def note(self, name: str) -> str | None:
        row = self._db.execute("select value from notes where name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_note(self, name: str, value: str) -> None:
        self._db.execute(
            "insert into notes values (?, ?) on conflict (name) do update set value = excluded.value", (name, value)
        )

    def key(self, key: str) -> tuple[str, int | None, str | None] | None:
        """The fingerprint of the first request under this key, and its answer if it has one."""
        row: tuple[str, int | None, str | None] | None = self._db.execute(
            "select print, status, body from keys where key = ?", (key,)
        ).fetchone()
        return row

    def claim_key(self, key: str, fingerprint: str) -> None:
        self._db.execute("insert into keys (key, print) values (?, ?)", (key, fingerprint))

    def answer_key(self, key: str, status: int, body: str) -> None:
        self._db.execute("update keys set status = ?, body = ? where key = ?", (status, body, key))

    def free_key(self, key: str) -> None:
        """Nothing was begun under it."""
        self._db.execute("delete from keys where key = ? and status is null", (key,))

    def free_unanswered_keys(self) -> None:
        """After a restart no request is in progress any more."""
        self._db.execute("delete from keys where status is null")

    def add_call(self, event: str, due_ms: int, forged: bool) -> int:
        added = self._db.execute(
            "insert into calls (event, due_ms, forged) values (?, ?, ?)", (event, due_ms, int(forged))
        )
        return added.lastrowid or 0

    def calls(self, *, waiting_until_ms: int | None = None, newest: int | None = None) -> list[Thing]:
        """Webhook calls: those due by an instant in order of their time, or the newest ones first."""
        wanted, given = "select * from calls order by n desc limit ?", (newest or 100,)
        if waiting_until_ms is not None:
            wanted = "select * from calls where state = 'waiting' and due_ms <= ? order by due_ms, n"
            given = (waiting_until_ms,)
        found = self._db.execute(wanted, given)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found]

    def set_call(self, n: int, *, state: str, answer: str, attempts: int, due_ms: int) -> None:
        self._db.execute(
            "update calls set state = ?, answer = ?, attempts = ?, due_ms = ? where n = ?",
            (state, answer[:200], attempts, due_ms, n),
        )
