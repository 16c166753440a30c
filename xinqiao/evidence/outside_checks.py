"""The part of a folder's check that concerns others: keys announced, the SM2 line, witnesses' quorum, time stamps.

Like the rest of the verifier it needs no node: no database, no Django.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xinqiao.evidence.announcements import follow
from xinqiao.evidence.findings import Finding, finding
from xinqiao.evidence.merkle import root_of
from xinqiao.evidence.notes import SM2, InvalidNote, LogKey, TreeHead, carries, open_by_any, open_checkpoint
from xinqiao.evidence.policy import InvalidPolicy, NoQuorum, Policy, parse_policy
from xinqiao.evidence.tiles import TileFolder

if TYPE_CHECKING:
    from cryptography import x509


def known_keys(tiles: TileFolder, trusted: LogKey, findings: list[Finding]) -> list[LogKey]:
    """The trusted key and those that announcements in the folder lead to."""
    notes = []
    for path in sorted((tiles.folder / "keys").glob("*.note")):
        try:
            note = path.read_text(encoding="utf-8")
            follow([trusted], [note])
            notes.append(note)
        except (InvalidNote, UnicodeDecodeError) as error:
            findings.append(finding("bad_announcement", path=f"keys/{path.name}", what=_said(error)))
    return follow([trusted], notes)


def check_gm(note: str, keys: Sequence[LogKey], tiles: TileFolder) -> Iterator[Finding]:
    """The SM2 line of the checkpoint, once the log has an SM2 key."""
    own = tiles.read("vkey.gm")
    if own is None:
        return
    gm = [key for key in keys if key.kind == SM2]
    if own.decode("utf-8", "replace").strip() not in [key.vkey for key in gm]:
        yield finding("gm_unannounced")
    found = [key for key in gm if carries(note, key=key)]
    if not found:
        yield finding("gm_missing")
    for key in found:
        try:
            open_checkpoint(note, key=key)
        except InvalidNote as error:
            yield finding("bad_note", what=error.message)


def check_quorum(
    tiles: TileFolder, keys: Sequence[LogKey], hashes: Sequence[bytes], policy: str | None
) -> Iterator[Finding]:
    """That ``checkpoint.cosigned`` has a quorum and is a beginning of this log.

    ``policy`` is the reader's own; the folder's shows only that the node is of one mind with itself.
    """
    own = tiles.read("policy")
    text = policy if policy is not None else own.decode("utf-8", "replace") if own else None
    if text is None:
        return
    try:
        found = parse_policy(text)
    except InvalidPolicy as error:
        yield finding("bad_policy", what=error.message)
        return
    if found.quorum != "none":
        yield from _cosigned(tiles, found.with_logs([*found.logs, *keys]), hashes, found.quorum)


def _cosigned(tiles: TileFolder, policy: Policy, hashes: Sequence[bytes], quorum: str) -> Iterator[Finding]:
    note = tiles.read("checkpoint.cosigned")
    if note is None:
        yield finding("no_cosigned", quorum=quorum)
        return
    try:
        yield from begins(policy.check(note.decode("utf-8")), hashes, path="checkpoint.cosigned")
    except NoQuorum as error:
        yield finding("no_quorum", what=error.message)
    except (InvalidNote, UnicodeDecodeError) as error:
        yield finding("bad_note", what=f"checkpoint.cosigned：{_said(error)}")


def begins(head: TreeHead, hashes: Sequence[bytes], *, path: str) -> Iterator[Finding]:
    """That a checkpoint is a beginning of the log (or reaches beyond a copy that was taken before it)."""
    if head.size <= len(hashes) and root_of(hashes[: head.size]) != head.root:
        yield finding("not_beginning", path=path)


def check_stamps(
    tiles: TileFolder, keys: Sequence[LogKey], hashes: Sequence[bytes], authorities: Path | None
) -> Iterator[Finding]:
    """Every time stamp: its checkpoint belongs to this log, and it leads to a root the reader trusts."""
    from cryptography import x509

    roots = x509.load_pem_x509_certificates(authorities.read_bytes()) if authorities else []
    for file in sorted((tiles.folder / "stamps").glob("*.tsr")):
        path = f"stamps/{file.name}"
        size = file.name.split(".")[0]
        note = tiles.read(f"stamps/{size}.checkpoint")
        if note is None:
            yield finding("missing", path=f"stamps/{size}.checkpoint")
            continue
        try:
            yield from begins(open_by_any(note.decode("utf-8"), keys=keys)[0], hashes, path=path)
        except (InvalidNote, UnicodeDecodeError) as error:
            yield finding("bad_stamp", path=path, what=_said(error))
            continue
        if roots:
            yield from _stamp(file, note, roots)


def _stamp(file: Path, note: bytes, roots: Sequence[x509.Certificate]) -> Iterator[Finding]:
    from xinqiao.evidence.stamps import InvalidStamp, check_stamp

    try:
        check_stamp(file.read_bytes(), note, roots=roots)
    except InvalidStamp as error:
        yield finding("bad_stamp", path=f"stamps/{file.name}", what=error.message)


def _said(error: Exception) -> str:
    return error.message if isinstance(error, InvalidNote) else "UTF-8"
