"""The passport's bundle: one zip that holds all a verifier needs, the same bytes for the same parts. Pure.

The reader is our own: it takes what the writer makes, and what a careful person gets by unpacking and packing again.
"""

import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, NamedTuple

MOST_BYTES: Final = 64 * 1024 * 1024
MOST_ENTRIES: Final = 2_000
MOST_RATIO: Final = 100
# Where each kind of member stands in the zip, and what its name looks like.
_ORDER: Final = (
    r"passport\.json",
    r"passport\.jwt",
    r"verdict\.json",
    r"events/[0-9]{3}\.json",
    r"proofs/[a-z0-9-]{1,40}\.(?:tlog-proof|entry)",
    r"policy",
    r"did/[A-Za-z0-9._-]{1,120}\.json",
    r"status/[0-9]{1,9}\.jwt",
    r"tables/[a-z_]{1,40}\.json",
    r"rules\.json",
    r"countersignatures/[A-Za-z0-9._-]{1,80}\.json",
    r"reports/[A-Za-z0-9._-]{1,120}\.pdf",
    r"inputs/[0-9a-f]{64}\.json",
    r"trust\.json",
    r"keys\.json",
    r"README\.txt",
    r"MANIFEST",
)
_MEMBER: Final = re.compile("|".join(f"({form})" for form in _ORDER))
_LOCAL: Final = struct.Struct("<4s5H3I2H")
_CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
_END: Final = struct.Struct("<4s4H2IH")
_DAY: Final = 1 << 5 | 1  # the first day a zip can name: bundles carry no times
_STORED, _DEFLATED = 0, 8
_FILE: Final = 0o100644 << 16
_LINK_BITS: Final = 0o170000 << 16
_MANIFEST_LINE: Final = re.compile(r"([0-9a-f]{64})  ([!-~]{1,160})")

README: Final = """\
THIS STONE'S PASSPORT, AND ALL THAT IS NEEDED TO CHECK IT

With the command in the package that the house hands out, nothing else of ours, and no network:
    pavilion verify --offline THIS-FILE.zip
In a browser: open /verify at any house that runs Pavilion and choose this file. It does not leave your machine.
To know whose passport it is, compare the fingerprint on the line KEYS with the one on the house's own page /verify,
or pin the log and its witnesses: pavilion verify --policy FILE THIS-FILE.zip

passport.json      W3C Verifiable Credential 2.0 with an eddsa-jcs-2022 proof; passport.jwt is the same under vc+jwt
verdict.json       the verdict; the passport names its SHA-256
events/            the events of the stone that you may see, byte for byte as they were signed
proofs/            for each object its log entry (.entry) and the way from it to a witnessed checkpoint (.tlog-proof):
                   commit = SHA-256(salt, object); leaf = SHA-256(0x00, entry)
policy             the log's key, its witnesses and how many must have signed
did/, status/      public keys of the signers; revocation and suspension lists as they stood when this was packed
tables/, rules.json, trust.json, inputs/   what the verdict was computed from; inputs only for those who may see them
MANIFEST           SHA-256 of every other file

这是一颗裸石的护照，以及核验它所需的一切

只用本行所提供软件包中的命令，不需要我们的其他东西，也不需要网络：
    pavilion verify --offline 本文件.zip
用浏览器：打开任何一家运行 Pavilion 的行的 /verify 页面，选择本文件。文件不会离开您的电脑。
要知道护照出自谁家：把 KEYS 一行的指纹与该行自己的 /verify 页面上的指纹比对，
或者指定日志及其见证者：pavilion verify --policy 策略文件 本文件.zip
"""


class BadBundle(ValueError):
    """Not a bundle that can be read, and why."""


@dataclass(frozen=True, slots=True)
class BundleParts:
    """What goes into a bundle; what its reader may not see is left out."""

    passport: bytes
    jwt: bytes
    policy: bytes
    verdict: bytes | None = None
    events: Mapping[int, bytes] = field(default_factory=dict)  # by place in the passport's list
    proofs: Mapping[str, tuple[bytes, bytes]] = field(default_factory=dict)  # name -> (entry, tlog-proof)
    dids: Mapping[str, bytes] = field(default_factory=dict)
    status: Mapping[int, bytes] = field(default_factory=dict)
    tables: Mapping[str, bytes] = field(default_factory=dict)
    rules: bytes | None = None
    countersignatures: Mapping[str, bytes] = field(default_factory=dict)
    reports: Mapping[str, bytes] = field(default_factory=dict)
    inputs: Mapping[str, bytes] = field(default_factory=dict)  # by SHA-256
    trust: bytes | None = None
    keys: bytes | None = None


@dataclass(frozen=True, slots=True)
class Bundle:
    members: Mapping[str, bytes]

    def get(self, name: str) -> bytes | None:
        return self.members.get(name)

    def within(self, folder: str) -> dict[str, bytes]:
        """The members of a folder, by their name in it."""
        start = len(folder) + 1
        return {name[start:]: data for name, data in self.members.items() if name.startswith(f"{folder}/")}


def pack(parts: BundleParts) -> bytes:
    """The zip. Equal parts give equal bytes: stored, in one order, without times."""
    members = dict(sorted(_members(parts), key=lambda member: (_rank(member[0]), member[0])))
    members["README.txt"] = README.encode()
    members["MANIFEST"] = manifest(members)
    if len(members) > MOST_ENTRIES or sum(map(len, members.values())) > MOST_BYTES:
        raise BadBundle("too large")
    return written(members)


def manifest(members: Mapping[str, bytes]) -> bytes:
    return "".join(f"{sha256(data).hexdigest()}  {name}\n" for name, data in members.items()).encode()


def manifest_fault(bundle: Bundle) -> str | None:
    """The first difference between MANIFEST and the members; None when they agree."""
    raw = bundle.get("MANIFEST")
    if raw is None:
        return "there is no MANIFEST"
    told: dict[str, str] = {}
    for line in raw.decode("ascii", "replace").removesuffix("\n").split("\n"):
        if (match := _MANIFEST_LINE.fullmatch(line)) is None or match[2] in told:
            return "a line of MANIFEST cannot be read"
        told[match[2]] = match[1]
    for name, data in bundle.members.items():
        if name != "MANIFEST" and told.pop(name, None) != sha256(data).hexdigest():
            return f"{name} is not the file that was packed"
    return f"{min(told)} is missing" if told else None


def written(members: Mapping[str, bytes]) -> bytes:
    """A zip of these members, stored, in their order."""
    body, directory = bytearray(), bytearray()
    for name, data in members.items():
        raw, crc, size = name.encode("ascii"), zlib.crc32(data), len(data)
        at = len(body)
        body += _LOCAL.pack(b"PK\x03\x04", 20, 0, 0, 0, _DAY, crc, size, size, len(raw), 0) + raw + data
        made = 3 << 8 | 20
        fields = (made, 20, 0, 0, 0, _DAY, crc, size, size, len(raw), 0, 0, 0, 0, _FILE, at)
        directory += _CENTRAL.pack(b"PK\x01\x02", *fields) + raw
    end = _END.pack(b"PK\x05\x06", 0, 0, len(members), len(members), len(directory), len(body), 0)
    return bytes(body + directory + end)


def read(data: bytes) -> Bundle:
    """The members of a bundle; BadBundle for anything else, before much memory is spent on it."""
    if len(data) > MOST_BYTES:
        raise BadBundle("longer than 64 MiB")
    members: dict[str, bytes] = {}
    entries = list(_directory(data))
    until = unpacked = 0
    for entry in entries:
        unpacked += entry.size
        if unpacked > MOST_BYTES:
            raise BadBundle("longer than 64 MiB when unpacked")
        if entry.name in members:
            raise BadBundle(f"{entry.name} stands twice")
        if entry.at < until:
            raise BadBundle("members lie over each other")
        start = _start(data, entry)
        until = start + entry.packed
        members[entry.name] = _content(data[start:until], entry)
    if "passport.json" not in members:
        raise BadBundle("there is no passport.json in it")
    # A changed byte is to be named by what it breaks: MANIFEST and the signatures see it; the zip's own sum only where
    # there is no MANIFEST.
    if "MANIFEST" not in members and any(zlib.crc32(members[entry.name]) != entry.crc for entry in entries):
        raise BadBundle("a member is damaged")
    return Bundle(members)


class _Entry(NamedTuple):
    name: str
    method: int
    crc: int
    packed: int
    size: int
    at: int


def _directory(data: bytes) -> Iterator[_Entry]:
    """What the zip says it holds, in its order; folders are passed over."""
    tail = len(data) - _END.size
    if tail < 0 or data[tail : tail + 4] != b"PK\x05\x06":
        raise BadBundle("not a zip, or something follows it")
    _, disk, first, here, count, length, at, _ = _END.unpack_from(data, tail)
    if disk or first or here != count or at + length != tail:
        raise BadBundle("not a zip in one piece")
    if count > MOST_ENTRIES:
        raise BadBundle(f"more than {MOST_ENTRIES} entries")
    for _ in range(count):
        if at + _CENTRAL.size > tail:
            raise BadBundle("the directory ends early")
        fields = _CENTRAL.unpack_from(data, at)
        mark, flags, method, crc, packed, size, named, extra, comment = fields[0], fields[3], fields[4], *fields[7:13]
        raw = data[at + _CENTRAL.size : at + _CENTRAL.size + named]
        at += _CENTRAL.size + named + extra + comment
        if mark != b"PK\x01\x02" or at > tail:
            raise BadBundle("the directory cannot be read")
        if raw.endswith(b"/") and size == 0:
            continue
        name = raw.decode("ascii", "replace")
        kind = fields[15] & _LINK_BITS
        if _MEMBER.fullmatch(name) is None:
            raise BadBundle(f"{name[:80]!r} is no member of a bundle")
        if kind not in (0, _FILE & _LINK_BITS) or flags & 1:
            raise BadBundle(f"{name} is a link, or locked")
        if method not in (_STORED, _DEFLATED) or (method == _STORED and packed != size):
            raise BadBundle(f"{name} is packed in a way not known here")
        if size > packed * MOST_RATIO:
            raise BadBundle(f"{name} unpacks to more than {MOST_RATIO} times its size")
        yield _Entry(name, method, crc, packed, size, fields[16])
    if at != tail:
        raise BadBundle("the directory does not end where it should")


def _start(data: bytes, entry: _Entry) -> int:
    """Where the member's bytes begin; its own header must tell the same name."""
    if entry.at + _LOCAL.size > len(data):
        raise BadBundle(f"{entry.name} lies outside the file")
    mark, _, _, method, *_, named, extra = _LOCAL.unpack_from(data, entry.at)
    start: int = entry.at + _LOCAL.size + named + extra
    raw = data[entry.at + _LOCAL.size : entry.at + _LOCAL.size + named]
    if mark != b"PK\x03\x04" or method != entry.method or raw != entry.name.encode() or start > len(data):
        raise BadBundle(f"{entry.name} is not where the directory says")
    return start


def _content(packed: bytes, entry: _Entry) -> bytes:
    if len(packed) != entry.packed:
        raise BadBundle(f"{entry.name} ends early")
    if entry.method == _STORED:
        return packed
    stream = zlib.decompressobj(-15)
    try:
        content = stream.decompress(packed, entry.size + 1)
    except zlib.error as fault:
        raise BadBundle(f"{entry.name}: {fault}") from None
    if len(content) != entry.size or not stream.eof:
        raise BadBundle(f"{entry.name} is not of the size it says")
    return content


def _members(parts: BundleParts) -> Iterator[tuple[str, bytes]]:
    yield "passport.json", parts.passport
    yield "passport.jwt", parts.jwt
    yield "policy", parts.policy
    single = {"verdict.json": parts.verdict, "rules.json": parts.rules, "trust.json": parts.trust}
    for name, data in (single | {"keys.json": parts.keys}).items():
        if data is not None:
            yield name, data
    for place, data in parts.events.items():
        yield f"events/{place:03}.json", data
    for name, (entry, proof) in parts.proofs.items():
        yield f"proofs/{name}.entry", entry
        yield f"proofs/{name}.tlog-proof", proof
    for no, data in parts.status.items():
        yield f"status/{no}.jwt", data
    named = {"did": parts.dids, "tables": parts.tables, "countersignatures": parts.countersignatures}
    for folder, members in (named | {"inputs": parts.inputs}).items():
        for name, data in members.items():
            yield f"{folder}/{name}.json", data
    for name, data in parts.reports.items():
        yield f"reports/{name}.pdf", data


def _rank(name: str) -> int:
    match = _MEMBER.fullmatch(name)
    if match is None or match.lastindex is None:
        raise BadBundle(f"{name!r} is no member of a bundle")
    return match.lastindex
