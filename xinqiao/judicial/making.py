"""Bringing a package about: log extracts, time stamps, the node's state, signers, then packing."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import xinqiao
from xinqiao.anchoring.queries import anchored_sizes, anchors_on
from xinqiao.anchoring.types import AnchorFacts
from xinqiao.evidence.extracts import extract_entries, public_keys, stamps_on, witnesses
from xinqiao.evidence.heads import checkpoint_note
from xinqiao.evidence.keys import PACKAGE_GM, signer
from xinqiao.evidence.stamping import authorities, post
from xinqiao.evidence.stamps import Authority, InvalidStamp, check_stamp, make_query
from xinqiao.judicial.certificates import is_own_root, signatory
from xinqiao.judicial.content import load_package_content
from xinqiao.judicial.document import Anchored, Contents, Setting
from xinqiao.judicial.gathering_settlement import notary_of
from xinqiao.judicial.packing import Hands, make_package
from xinqiao.judicial.paper import report_pdf
from xinqiao.judicial.refusals import PackageTooLarge
from xinqiao.judicial.signing import Signatory, roots_pem
from xinqiao.judicial.types import Case, Material, Matter
from xinqiao.kernel.canonical import read_json, sha256_hex, sm3_hex
from xinqiao.kernel.dated import new_number
from xinqiao.plumbing import settings as node

log = logging.getLogger(__name__)
LARGEST = 2**20


@dataclass(frozen=True, slots=True)
class Made:
    """A finished package with its digests; ``stamped``: an authority dated it."""

    package: str
    data: bytes
    sha256: str
    sm3: str
    items: int
    stamped: bool


@dataclass(frozen=True, slots=True)
class _Clock:
    """An authority that answers, and how far this machine's clock is from its."""

    authority: Authority
    offset_ms: int

    def ask(self, query: bytes) -> bytes:
        """The authority's answer."""
        return post(self.authority.url, query)


def make(case: Case, matter: Matter, materials: Sequence[Material], *, now: datetime) -> Made:
    """The package, nothing stored yet. Raises PackageTooLarge, CertificateUnfit, FontMissing."""
    content = load_package_content(node.content_dir() / "judicial" / "package.toml")
    clock, who = _clock(), signatory()
    entries = list(dict.fromkeys(entry for piece in materials for entry in piece.entries))
    extracts = extract_entries(_most_telling(materials, entries, content.most_entries), anchored=anchored_sizes())
    sizes = {one.size for one in extracts}
    number = new_number("P", now)
    made = Contents(
        package=number,
        made_at=now,
        case=case,
        matter=matter,
        materials=materials,
        extracts=extracts,
        left_out=len(entries) - len(extracts),
        stamps=stamps_on(sizes),
        anchors=[_anchored(anchor) for anchor in anchors_on(sizes)],
        notary=notary_of(matter),
        setting=_setting(who, clock),
        content=content,
    )
    roots = b"".join(roots_pem(authority.roots) for authority in authorities())
    own = signer(PACKAGE_GM)
    hands = Hands(who, own.key, own.public, clock.ask if clock else None, roots)
    data = make_package(made, hands, paper=report_pdf)
    if len(data) > LARGEST:
        raise PackageTooLarge(size=len(data), most=LARGEST)
    return Made(number, data, sha256_hex(data), sm3_hex(data), len(materials), clock is not None)


def _anchored(anchor: AnchorFacts) -> Anchored:
    told = read_json(anchor.document)
    names = ("ev_id", "tx_hash", "block_height", "block_hash", "chain_time")
    files = {
        f"chain/{anchor.size}.checkpoint": checkpoint_note(anchor.size).encode(),
        f"chain/{anchor.size}.{anchor.ledger}.json": anchor.document,
    }
    return Anchored(anchor.size, anchor.ledger, {"kind": anchor.kind, **{n: told[n] for n in names}}, files)


def _most_telling(materials: Sequence[Material], entries: Iterable[int], most: int) -> list[int]:
    """At most so many entries: those that bind a piece first, then the newest."""
    binding = {entry for piece in materials if piece.bound for entry in piece.entries}
    ordered = sorted(entries, key=lambda entry: (entry not in binding, -entry))
    return ordered[:most]


def _setting(who: Signatory, clock: _Clock | None) -> Setting:
    return Setting(
        origin=node.log_origin(),
        keys=public_keys(),
        witnesses=witnesses(),
        authorities=tuple(authority.name for authority in authorities()),
        version=xinqiao.__version__,
        release_sha256=release_digest(),
        signer=who.name,
        signer_own_root=is_own_root(who),
        clock_offset_ms=clock.offset_ms if clock else None,
    )


def _clock() -> _Clock | None:
    """The first authority that answers now. When none does the package is made without time stamps, and says so."""
    for authority in authorities():
        query = make_query(b"xinqiao clock")
        try:
            answer = post(authority.url, query.as_bytes())
            at = check_stamp(answer, b"xinqiao clock", roots=authority.roots, nonce=query.nonce)
        except (OSError, InvalidStamp) as error:
            log.warning("time-stamping authority %s: %s", authority.name, error)
            continue
        return _Clock(authority, round((datetime.now(UTC) - at).total_seconds() * 1000))
    return None


@cache
def release_digest() -> str:
    """SHA-256 over the program as it runs: every source file with its path, in order."""
    root = Path(xinqiao.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\n" + path.read_bytes())
    return digest.hexdigest()
