"""Check a copy of the log, or a receipt, without the node: no database, no Django, nothing to trust but a key.

Run ``python -m xinqiao.evidence.verify FOLDER --vkey KEY``; exit status 0 = nothing wrong, 1 = findings. The same
checks can be made with any other implementation of the C2SP formats.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from xinqiao.evidence.findings import Finding, Verdict, finding
from xinqiao.evidence.merkle import leaf_hash, root_of
from xinqiao.evidence.notes import InvalidNote, LogKey, TreeHead, carries, open_by_any
from xinqiao.evidence.outside_checks import check_gm, check_quorum, check_stamps, known_keys
from xinqiao.evidence.proofs import check_receipt, read_receipt
from xinqiao.evidence.tiles import ENTRIES, WIDTH, TileFolder, tile_path, tiles_of, unpack_bundle, unpack_tile
from xinqiao.kernel.errors import Corrupt

_TILE = re.compile(r"tile/(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


def verify_receipt(data: bytes, *vkeys: str) -> Verdict:
    """Check a receipt file against the log's public key, or against any of the keys it has had."""
    try:
        keys = [LogKey.parse(vkey) for vkey in vkeys]
        receipt = read_receipt(data)
        fitting = next((key for key in keys if carries(receipt.promise, key=key)), keys[0])
        return Verdict((), check_receipt(receipt, key=fitting, others=keys))
    except Corrupt as error:
        return Verdict((finding("bad_receipt", what=error.message),))


def verify_folder(
    folder: Path | str,
    vkey: str | None = None,
    *,
    earlier: Iterable[str] = (),
    policy: str | None = None,
    authorities: Path | None = None,
) -> Verdict:
    """Recompute a copy of the log from its entries and compare every file; all faults, not only the first.

    Without ``vkey`` the folder's own is used, which shows integrity but not whose log it is. ``earlier`` are
    checkpoints kept from before: each must be a beginning of this log. ``policy`` is the text of the reader's own
    C2SP policy (else the folder's), ``authorities`` a PEM file of the roots that time stamps must lead to (else only
    the stamped checkpoints are checked).
    """
    tiles, findings = TileFolder(Path(folder)), list[Finding]()
    key = _key(tiles, vkey, findings)
    keys = known_keys(tiles, key, findings) if key else []
    head = _head(tiles, keys, findings) if keys else None
    if head is None:
        return Verdict(tuple(findings), own_key=vkey is None)
    hashes = _leaf_hashes(tiles, head, findings)
    if hashes is not None:
        findings += _check_upper(tiles, hashes)
        findings += _check_others(tiles, hashes)
        findings += _check_earlier(earlier, hashes, keys)
        findings += check_quorum(tiles, keys, hashes, policy)
        findings += check_stamps(tiles, keys, hashes, authorities)
    return Verdict(tuple(findings), head, own_key=vkey is None)


def _key(tiles: TileFolder, vkey: str | None, findings: list[Finding]) -> LogKey | None:
    own = tiles.read("vkey")
    text = vkey or (own.decode("utf-8", "replace") if own else None)
    if text is None:
        findings.append(finding("no_key"))
        return None
    try:
        key = LogKey.parse(text)
        announced = [f"{item.vkey}\n".encode() for item in known_keys(tiles, key, [])]
        if vkey and own is not None and own not in announced:
            findings.append(finding("key_differs"))
        return key
    except InvalidNote as error:
        findings.append(finding("bad_note", what=error.message))
        return None


def _head(tiles: TileFolder, keys: Sequence[LogKey], findings: list[Finding]) -> TreeHead | None:
    note = tiles.read("checkpoint")
    if note is None:
        findings.append(finding("no_checkpoint"))
        return None
    try:
        text = note.decode("utf-8")
        head, _ = open_by_any(text, keys=keys)
        findings += check_gm(text, keys, tiles)
        return head
    except UnicodeDecodeError:
        findings.append(finding("unreadable", path="checkpoint"))
    except InvalidNote as error:
        findings.append(finding("bad_note", what=error.message))
    return None


def _leaf_hashes(tiles: TileFolder, head: TreeHead, findings: list[Finding]) -> list[bytes] | None:
    """The hashes of all leaves, once it is settled which files tell the truth; None when no source is whole."""
    entries: list[bytes | None] = []
    stated: list[bytes | None] = []
    for level, number, width in tiles_of(head.size):
        if level == 0:
            entries += _bundle(tiles, number, width, findings)
            stated += _tile(tiles, 0, number, width, findings)
    from_entries, from_tiles = _whole(entries), _whole(stated)
    entries_hold = from_entries is not None and root_of(from_entries) == head.root
    tiles_hold = from_tiles is not None and root_of(from_tiles) == head.root
    code = "hash_altered" if entries_hold else "entry_altered" if tiles_hold else "disagree"
    findings += _differences(entries, stated, code)
    if not entries_hold and not tiles_hold and (from_entries is not None or from_tiles is not None):
        findings.append(finding("root"))
    return from_entries if entries_hold else from_tiles if tiles_hold else None


def _differences(entries: list[bytes | None], stated: list[bytes | None], code: str) -> Iterator[Finding]:
    for index, (entry, hash_) in enumerate(zip(entries, stated, strict=True)):
        if entry is not None and hash_ is not None and entry != hash_:
            number = index // WIDTH
            width = min(WIDTH, len(entries) - number * WIDTH)
            place = 0 if code == "hash_altered" else ENTRIES
            yield finding(code, leaf=index, path=tile_path(place, number, width))


def _bundle(tiles: TileFolder, number: int, width: int, findings: list[Finding]) -> Sequence[bytes | None]:
    path, data = _read(tiles, ENTRIES, number, width)
    try:
        leaves = unpack_bundle(data) if data is not None else []
    except ValueError:
        leaves = []
    full = width == WIDTH or path.endswith(f".p/{width}")
    if data is not None and (len(leaves) == width or (not full and len(leaves) > width)):
        return [leaf_hash(leaf) for leaf in leaves[:width]]
    findings.append(finding("missing" if data is None else "unreadable", path=path))
    return [None] * width


def _tile(tiles: TileFolder, level: int, number: int, width: int, findings: list[Finding]) -> Sequence[bytes | None]:
    path, data = _read(tiles, level, number, width)
    expected = width if path.endswith(f".p/{width}") else WIDTH
    if data is not None and len(data) == expected * 32:
        return unpack_tile(data)[:width]
    findings.append(finding("missing" if data is None else "unreadable", path=path))
    return [None] * width


def _read(tiles: TileFolder, level: int | str, number: int, width: int) -> tuple[str, bytes | None]:
    """A tile of this width, or the full one that may have taken its place."""
    path = tile_path(level, number, width)
    data = tiles.read(path)
    if data is None and width < WIDTH:
        full = tile_path(level, number)
        if (data := tiles.read(full)) is not None:
            return full, data
    return path, data


def _whole(hashes: list[bytes | None]) -> list[bytes] | None:
    return None if None in hashes else [item for item in hashes if item is not None]


def _check_upper(tiles: TileFolder, hashes: list[bytes]) -> Iterator[Finding]:
    findings: list[Finding] = []
    row, below = hashes, 0
    for level, number, width in tiles_of(len(hashes)):
        if level == 0:
            continue
        if level > below:
            row = [root_of(row[i : i + WIDTH]) for i in range(0, len(row) - len(row) % WIDTH, WIDTH)]
            below = level
        expected = row[number * WIDTH : number * WIDTH + width]
        stated = _tile(tiles, level, number, width, findings)
        for offset, (right, found) in enumerate(zip(expected, stated, strict=True)):
            if found is not None and found != right:
                first, span = (number * WIDTH + offset) * WIDTH**level, WIDTH**level
                path = tile_path(level, number, width)
                yield finding("tile_altered", first=first, last=first + span - 1, path=path)
    yield from findings


def _check_others(tiles: TileFolder, hashes: list[bytes]) -> Iterator[Finding]:
    """Files beside the current ones: partial tiles of earlier checkpoints must be beginnings of the log."""
    current = {tile_path(level, number, width) for level, number, width in tiles_of(len(hashes))}
    current |= {tile_path(ENTRIES, number, width) for level, number, width in tiles_of(len(hashes)) if level == 0}
    for file in sorted((tiles.folder / "tile").rglob("*")):
        path = file.relative_to(tiles.folder).as_posix()
        if not file.is_file() or path in current or file.name.startswith("."):
            continue
        match = _TILE.fullmatch(path)
        if match is None:
            yield finding("stray", path=path)
        elif not _is_beginning(match, file.read_bytes(), hashes):
            yield finding("stale_altered", path=path)


def _is_beginning(match: re.Match[str], data: bytes, hashes: list[bytes]) -> bool:
    """Whether a tile agrees with the log as far as the log is signed (a newer one may reach beyond)."""
    number = int(match[2].replace("/", "").replace("x", ""))
    try:
        found = [leaf_hash(leaf) for leaf in unpack_bundle(data)] if match[1] == ENTRIES else unpack_tile(data)
    except ValueError:
        return False
    span = 1 if match[1] == ENTRIES else WIDTH ** int(match[1])
    signed = range(number * WIDTH, min(number * WIDTH + len(found), len(hashes) // span))
    expected = [root_of(hashes[i * span : (i + 1) * span]) for i in signed]
    return len(found) == int(match[3] or WIDTH) and found[: len(expected)] == expected


def _check_earlier(notes: Iterable[str], hashes: list[bytes], keys: Sequence[LogKey]) -> Iterator[Finding]:
    for note in notes:
        try:
            old, _ = open_by_any(note, keys=keys)
        except InvalidNote as error:
            yield finding("bad_note", what=error.message)
            continue
        if old.size > len(hashes):
            yield finding("rolled_back", old=old.size, new=len(hashes))
        elif root_of(hashes[: old.size]) != old.root:
            yield finding("forked", old=old.size)


def _vkeys(tiles: TileFolder, trusted: str) -> list[str]:
    """The trusted key and its announced successors and predecessors."""
    try:
        return [key.vkey for key in known_keys(tiles, LogKey.parse(trusted), [])]
    except InvalidNote:
        return [trusted]  # the folder's verdict says already what is wrong with it


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="xinqiao.evidence.verify", description="核验存证日志 / verify the evidence log"
    )
    parser.add_argument("folder", type=Path, help="日志目录 / folder of the log")
    parser.add_argument("--vkey", help="日志公钥 / public key of the log")
    parser.add_argument(
        "--earlier", type=Path, action="append", default=[], help="先前的检查点 / a checkpoint kept before"
    )
    parser.add_argument("--receipt", type=Path, action="append", default=[], help="回执 / a receipt file")
    parser.add_argument("--policy", type=Path, help="见证策略 / your own policy of witnesses (C2SP tlog-policy)")
    parser.add_argument("--tsa", type=Path, help="时间戳根证书 / PEM of the time-stamping authorities you trust")
    parser.add_argument("--lang", choices=["zh", "en"], default="zh")
    given = parser.parse_args(arguments)
    earlier = [path.read_text(encoding="utf-8") for path in given.earlier]
    policy = given.policy.read_text(encoding="utf-8") if given.policy else None
    verdicts = [verify_folder(given.folder, given.vkey, earlier=earlier, policy=policy, authorities=given.tsa)]
    tiles = TileFolder(given.folder)
    trusted = given.vkey or (tiles.read("vkey") or b"").decode()
    keys = _vkeys(tiles, trusted)
    verdicts += [verify_receipt(path.read_bytes(), *keys) for path in given.receipt]
    for verdict in verdicts:
        sys.stdout.write("\n".join(verdict.lines(given.lang)) + "\n")
    return 0 if all(verdict.ok for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
