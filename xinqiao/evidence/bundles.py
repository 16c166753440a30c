"""A firm's bundle of evidence: every access to it with receipt, content and place in its chain, in one ZIP file. Pure.

Made so that nothing of ours is needed to check it: proofs are C2SP ``.tlog-proof`` files, chain signatures are checked
by ``openssl dgst -verify``, disclosed contents by ``sha256sum``. :func:`verify_bundle` makes all checks at once.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xinqiao.evidence.chains import ChainVerifyKey, Statement, chain_message, check_statement, label_of
from xinqiao.evidence.findings import Finding, Verdict, finding
from xinqiao.evidence.leaves import PARTS, check_disclosure
from xinqiao.evidence.notes import LogKey, TreeHead, carries
from xinqiao.evidence.proofs import check_receipt, read_receipt
from xinqiao.evidence.tiles import ENTRIES, TileFolder, tile_path, tiles_of, unpack_bundle
from xinqiao.evidence.verify import verify_folder
from xinqiao.kernel.crypto import InvalidKey
from xinqiao.kernel.errors import Corrupt

BUNDLE = "xinqiao-bundle-v1"
LARGEST = 512 * 1024 * 1024  # bytes once unpacked; a bundle beyond it is not read
_MADE = (1980, 1, 1, 0, 0, 0)  # file times say nothing, so the same evidence gives the same bytes

README = """\
谁看过我：本企业全部查询的证据 / Who looked: evidence of every access to this enterprise

企业 enterprise: {subject}
日志 log: {origin}
条数 accesses: {count}；其中已在检查点之下 under a checkpoint: {covered}

1. 一次核验全部 / everything at once
   xinqiao evidence verify 本文件.zip --vkey "{vkey}"
   加上日志副本，还能证明“只有这些” / with a copy of the public log it also proves "these are all":
   xinqiao evidence verify 本文件.zip --vkey "{vkey}" --log 日志文件夹

2. 不用本系统的工具 / without our tools（编号以 000001 为例）
   在日志中 / in the log: 用任何 C2SP tlog-proof 工具核对 proofs/000001.tlog-proof 与 leaves/000001.json（公钥 vkey）
   第几次 / the n-th: openssl dgst -sha256 -verify chain.pem -signature chain/000001.sig chain/000001.msg
                sha256sum chain/000001.sig   等于 leaves/000001.json 的 chain.label
   内容 / content: sha256sum disclosed/000001.body   等于 leaves/000001.json 的 body.sha256
                sha256sum disclosed/000001.actor  等于 actor；disclosed/000001.subject 等于 subject
   每个 disclosed 文件是 16 字节随机盐加内容 / each disclosed file is a salt followed by the content.

accesses.csv 是给人看的清单 / is the list for people.
公钥请从节点以外的来源再核对一次 / compare the key with another source.
"""


@dataclass(frozen=True, slots=True)
class Piece:
    """One access: its number in the chain (0 = older than the chain), receipt file, disclosed content, words."""

    number: int
    receipt: bytes
    disclosure: Mapping[str, Mapping[str, str]]
    told: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sources:
    """What a bundle is made of beside its pieces: the log's public files and the statement of completeness."""

    subject: str
    vkey: str
    chain_pem: bytes
    statement: Statement | None
    files: Mapping[str, bytes]  # checkpoint, policy …, as published


def pack(sources: Sources, pieces: Sequence[Piece]) -> bytes:
    """The ZIP file; the same sources give the same bytes."""
    covered = len(sources.statement.openings) if sources.statement else 0
    told = {"subject": sources.subject, "origin": sources.vkey.split("+")[0], "vkey": sources.vkey}
    files: dict[str, bytes] = {
        "README.txt": README.format(count=len(pieces), covered=covered, **told).encode("utf-8"),
        "vkey": f"{sources.vkey}\n".encode(),
        "chain.pem": sources.chain_pem,
        "accesses.csv": _csv(pieces),
        **sources.files,
    }
    listed = []
    for position, piece in enumerate(pieces, start=1):
        name = f"{position:06d}"
        listed.append({"file": name, "n": piece.number, **piece.told})
        files |= _piece_files(name, piece)
    files |= _chain_files(sources)
    body = {"v": BUNDLE, **told, "accesses": listed}
    body["statement"] = sources.statement.as_json() if sources.statement else None
    files["bundle.json"] = json.dumps(body, ensure_ascii=False, indent=1).encode("utf-8")
    return _zip(files)


def _piece_files(name: str, piece: Piece) -> dict[str, bytes]:
    receipt = read_receipt(piece.receipt)
    files = {f"receipts/{name}.json": piece.receipt, f"leaves/{name}.json": receipt.leaf}
    if receipt.proof:
        files[f"proofs/{name}.tlog-proof"] = receipt.proof.encode("utf-8")
    files[f"disclosed/{name}.json"] = json.dumps(piece.disclosure, ensure_ascii=False, sort_keys=True).encode("utf-8")
    for part, shown in piece.disclosure.items():
        files[f"disclosed/{name}.{part}"] = bytes.fromhex(shown["salt"]) + shown["content"].encode("utf-8")
    return files


def _chain_files(sources: Sources) -> dict[str, bytes]:
    """Messages and signatures of the chain as files that ``openssl dgst`` takes."""
    statement = sources.statement
    if statement is None:
        return {}
    places = [*((o.number, o.signature) for o in statement.openings), (len(statement.openings) + 1, statement.absent)]
    files = {}
    for number, signature in places:
        files[f"chain/{number:06d}.msg"] = chain_message(statement.origin, statement.subject, number)
        files[f"chain/{number:06d}.sig"] = signature
    return files


def _csv(pieces: Sequence[Piece]) -> bytes:
    text = io.StringIO()
    names = list(dict.fromkeys(name for piece in pieces for name in piece.told))
    writer = csv.DictWriter(text, ["file", *names], restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({"file": f"{n:06d}", **piece.told} for n, piece in enumerate(pieces, start=1))
    return text.getvalue().encode("utf-8-sig")


def _zip(files: Mapping[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, _MADE), files[name], zipfile.ZIP_DEFLATED)
    return held.getvalue()


def verify_bundle(data: bytes, *, vkeys: Sequence[str] = (), log: Path | None = None) -> Verdict:
    """Check every receipt, every disclosed content and the chain; with a copy of the log also that these are all.

    Without ``vkeys`` the bundle's own key is used, which shows that it is whole, but not whose log it is.
    """
    try:
        files = _unzip(data)
        body = json.loads(files["bundle.json"])
        keys = [LogKey.parse(text) for text in (vkeys or (body["vkey"],))]
        heads, faults = _check_pieces(files, body, keys)
        faults += _check_chain(files, body, log, [k.vkey for k in keys])
    except (KeyError, TypeError, ValueError, AttributeError, zipfile.BadZipFile, Corrupt, InvalidKey) as error:
        return Verdict((finding("bad_bundle", what=f"{type(error).__name__} {error}"),), own_key=not vkeys)
    head = max(heads, key=lambda h: h.size, default=None)
    return Verdict(tuple(faults), head, own_key=not vkeys)


def _unzip(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > LARGEST:
            raise ValueError("too large")
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


def _check_pieces(
    files: Mapping[str, bytes], body: Mapping[str, Any], keys: Sequence[LogKey]
) -> tuple[list[TreeHead], list[Finding]]:
    heads, faults = list[TreeHead](), list[Finding]()
    for line in body["accesses"]:
        name = line["file"]
        try:
            receipt = read_receipt(files[f"receipts/{name}.json"])
            fitting = next((key for key in keys if carries(receipt.promise, key=key)), keys[0])
            head = check_receipt(receipt, key=fitting, others=keys)
        except (KeyError, Corrupt) as error:
            faults.append(finding("bad_piece", name=name, what=str(error)))
            continue
        heads += [head] if head else []
        faults += [finding("bad_piece", name=name, what=what) for what in _piece_faults(files, body, line, receipt)]
    return heads, faults


def _piece_faults(
    files: Mapping[str, bytes], body: Mapping[str, Any], line: Mapping[str, Any], receipt: Any
) -> Iterator[str]:
    """What the leaf does not bear out of what is told about an access."""
    name = line["file"]
    disclosure = json.loads(files[f"disclosed/{name}.json"])
    if set(disclosure) != set(PARTS) or check_disclosure(receipt.leaf, disclosure):
        yield "内容与存证不符 / the content is not that of the leaf"
        return
    if disclosure["subject"]["content"] != body["subject"]:
        yield "是另一企业的查询 / an access to another enterprise"
    held = json.loads(disclosure["body"]["content"])
    if any(str(held.get(key, "")) != line.get(key, "") for key in ("access", "recipient", "purpose")):
        yield "清单与内容不符 / the list tells something else"
    for path, expected in ((f"leaves/{name}.json", receipt.leaf), (f"proofs/{name}.tlog-proof", receipt.proof)):
        stored = files.get(path)
        wanted = expected.encode("utf-8") if isinstance(expected, str) else expected
        if stored != wanted:
            yield f"{path} 与回执不符 / is not that of the receipt"


def _check_chain(
    files: Mapping[str, bytes], body: Mapping[str, Any], log: Path | None, vkeys: Sequence[str]
) -> Iterator[Finding]:
    """The numbers are signed, in order and those of the leaves; with the log, that no further one is in it."""
    if body["statement"] is None:
        return
    statement, key = Statement.from_json(body["statement"]), ChainVerifyKey(files["chain.pem"])
    if statement.subject != body["subject"]:
        yield finding("bad_chain", what="the statement is about another enterprise")
    listed = {files[f"leaves/{line['file']}.json"] for line in body["accesses"] if line["n"]}
    for opening in statement.openings:
        signed = key.stands_behind(
            opening.signature, origin=statement.origin, subject=statement.subject, number=opening.number
        )
        label = json.loads(opening.leaf)["chain"]["label"]
        if not signed or label != label_of(opening.signature) or opening.leaf not in listed:
            yield finding("bad_chain", what=f"access {opening.number} is not shown")
    if log is not None:
        yield from _check_all(statement, key, log, vkeys)


def _check_all(statement: Statement, key: ChainVerifyKey, log: Path, vkeys: Sequence[str]) -> Iterator[Finding]:
    verdict = verify_folder(log, vkeys[0])
    yield from verdict.findings
    if verdict.head is None or verdict.head.size < statement.size:
        yield finding("bad_chain", what="the copy of the log is older than the bundle")
        return
    leaves = read_leaves(TileFolder(log), verdict.head.size)[: statement.size]
    for what in check_statement(statement, leaves, key=key):
        yield finding("bad_chain", what=what)


def read_leaves(tiles: TileFolder, size: int) -> list[bytes]:
    """All leaves of a copy of the log; raises ValueError when a file is missing."""
    leaves: list[bytes] = []
    for level, number, width in tiles_of(size):
        if level == 0:
            data = tiles.read(tile_path(ENTRIES, number, width)) or tiles.read(tile_path(ENTRIES, number))
            if data is None:
                raise ValueError(f"missing {tile_path(ENTRIES, number, width)}")
            leaves += unpack_bundle(data)[:width]
    return leaves
