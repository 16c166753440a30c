"""A package checked: a pure function over its bytes, as any holder of them may run it.

Whom to trust is the reader's to say (:class:`Trust`): the log's keys, the root of the signing certificate, the roots of
time-stamping authorities. Whatever is left out is taken from the package, which shows that it is whole, not whose it
is. With one suite declared broken nothing that rests on its signatures counts, and the other has to carry the package.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography import x509

from xinqiao.anchoring.receipts import check_document
from xinqiao.anchoring.types import Root
from xinqiao.evidence.announcements import follow, read_announcement
from xinqiao.evidence.leaves import PARTS, check_disclosure
from xinqiao.evidence.merkle import InvalidProof, leaf_hash, verify_inclusion
from xinqiao.evidence.notes import ED25519, SM2, InvalidNote, LogKey, TreeHead, open_by_any
from xinqiao.evidence.proofs import InclusionProof
from xinqiao.evidence.stamps import check_stamp
from xinqiao.judicial import container
from xinqiao.judicial.checks import SUITES, Check, Failing, Nothing, PackageVerdict
from xinqiao.judicial.container import GM_SIGNATURE, GM_SUMS, MANIFEST, SIGNATURE, STAMP, STAMP_MANIFEST, SUMS, Files
from xinqiao.judicial.document import entry_stem
from xinqiao.judicial.packing import key_pem
from xinqiao.judicial.seals import Seal, check_cades, check_pades, check_token
from xinqiao.judicial.types import CheckState, Suite
from xinqiao.kernel.canonical import NotCanonical, canonical_bytes, read_json, sha256_hex, sm3_hex
from xinqiao.kernel.errors import Corrupt

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Trust:
    """What the reader knows from elsewhere: vkey lines of the log (either suite), PEM roots. Empty = the package's."""

    vkeys: tuple[str, ...] = ()
    roots: bytes = b""
    tsa_roots: bytes = b""


@dataclass(frozen=True, slots=True)
class _Opened:
    """A package taken apart, with the keys that are believed."""

    files: Files
    document: Document
    logs: tuple[LogKey, ...]  # the log's, both suites, trusted or announced by one that is
    gm_keys: tuple[LogKey, ...]  # the log's SM2 keys and what they announce
    roots: tuple[x509.Certificate, ...]
    tsa_roots: tuple[x509.Certificate, ...]
    made_at: datetime
    broken: Suite | None = None
    heads: dict[tuple[str, bytes], TreeHead] = field(default_factory=dict)

    @property
    def seal(self) -> Seal:
        """Whom to believe of certificates, and as of when."""
        return Seal(self.roots, self.tsa_roots, self.made_at)


def _shown(files: Files, stem: str) -> dict[str, dict[str, str]]:
    """What the files of an entry disclose, as ``leaves.check_disclosure`` takes it."""
    parts = {part: files[f"{stem}.{part}"] for part in PARTS if f"{stem}.{part}" in files}
    return {part: {"salt": d[:16].hex(), "content": d[16:].decode("utf-8")} for part, d in parts.items()}


def verify_package(
    data: bytes, *, whole: bytes | None = None, trust: Trust | None = None, broken: Suite | None = None
) -> PackageVerdict:
    """Check a package. ``whole`` is the proof of its digest that came beside it (``sidecar``).

    Never raises for what may stand in a file: everything wrong is a failed check.
    """
    trusted = trust or Trust()
    try:
        opened = _open(data, trusted, broken)
    except (Corrupt, NotCanonical, KeyError, TypeError, ValueError, UnicodeError) as error:
        return PackageVerdict((Check("container", CheckState.FAILED, (_said(error),)),))
    steps: dict[str, Callable[[_Opened], None]] = {
        "container": lambda _: None,
        "document": _document,
        "digests": _digests,
        "signature": _signature,
        "stamp": _stamp,
        "report": _report,
        "keys": _keys,
        "proofs": lambda found: _proofs(found, ED25519),
        "dates": _dates,
        "gm_digests": _gm_digests,
        "gm_signature": _gm_signature,
        "gm_keys": _gm_keys,
        "gm_proofs": lambda found: _proofs(found, SM2),
        "contents": _contents,
        "bound": _bound,
        "chain": _chain,
        "whole": lambda found: _whole(found, data, whole, broken),
    }
    checks = tuple(_run(code, step, opened, broken) for code, step in steps.items())
    own = not (trusted.vkeys and trusted.roots) if broken is None else not trusted.vkeys
    return PackageVerdict(checks, str(opened.document.get("package", "")), own_keys=own)


def document_of(data: bytes) -> Document:
    """What a package says, once it was checked; raises BadContainer, KeyError."""
    return dict(read_json(container.unpack(data)["evidence.json"]))


def _run(code: str, step: Callable[[_Opened], None], opened: _Opened, broken: Suite | None) -> Check:
    if broken is not None and SUITES.get(code) is broken:
        return Check(code, CheckState.SET_ASIDE)
    try:
        step(opened)
    except Nothing as nothing:
        return Check(code, CheckState.ABSENT, nothing.what)
    except Failing as failing:
        return Check(code, CheckState.FAILED, failing.what[:20])
    except (Corrupt, NotCanonical, KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        return Check(code, CheckState.FAILED, (_said(error),))
    return Check(code, CheckState.PASSED)


def _said(error: Exception) -> str:
    return error.message if isinstance(error, Corrupt) else f"{type(error).__name__} {error}"[:160]


def _open(data: bytes, trust: Trust, broken: Suite | None) -> _Opened:
    files = container.unpack(data)
    document = read_json(files["evidence.json"])
    own = [files[f"keys/{name}"].decode("utf-8").strip() for name in ("vkey", "vkey.gm")]
    known = [key for key in map(LogKey.parse, trust.vkeys or own) if not _is_of(key, broken)]
    notes = {name: files[name].decode("utf-8") for name in sorted(files) if name.endswith(".note")}
    sound = [note for note in notes.values() if broken is None or _stands_without(note, broken)]
    reached = follow(known, sound)
    origin = str(document["log"]["origin"])
    logs = tuple(
        key for key in reached if key.name == origin and key in [*known, *_log_keys(notes)] and not _is_of(key, broken)
    )
    return _Opened(
        files=files,
        document=document,
        logs=logs,
        gm_keys=tuple(key for key in reached if key.kind == SM2),
        roots=tuple(x509.load_pem_x509_certificates(trust.roots or files["keys/ca.pem"])),
        tsa_roots=tuple(x509.load_pem_x509_certificates(trust.tsa_roots or files.get("keys/tsa.pem", b"")))
        if trust.tsa_roots or "keys/tsa.pem" in files
        else (),
        made_at=datetime.fromisoformat(document["made_at"]),
        broken=broken,
    )


def _is_of(key: LogKey, suite: Suite | None) -> bool:
    return suite is not None and (key.kind == SM2) == (suite is Suite.GM)


def _stands_without(note: str, broken: Suite) -> bool:
    """Whether an announcement is between keys of the suite that still counts."""
    return not any(_is_of(key, broken) for key in read_announcement(note))


def _log_keys(notes: Mapping[str, str]) -> list[LogKey]:
    """Keys that announcements of the log's own uses name: only these may sign checkpoints."""
    own = [note for name, note in notes.items() if name.startswith(("keys/log-", "keys/log."))]
    return [key for note in own for key in read_announcement(note)]


def _document(found: _Opened) -> None:
    """The document is canonical, and every piece it lists is there with both digests and its size."""
    wrong = []
    if canonical_bytes(found.document) != found.files["evidence.json"]:
        wrong.append("evidence.json")
    listed = {item["path"] for item in found.document["items"]}
    for item in found.document["items"]:
        data = found.files.get(item["path"])
        if data is None or (len(data), sha256_hex(data), sm3_hex(data)) != (item["size"], item["sha256"], item["sm3"]):
            wrong.append(item["path"])
    wrong += [name for name in found.files if name.startswith("items/") and name not in listed]
    stems = {entry["stem"] for entry in found.document["entries"]}
    wrong += [name for name in found.files if name.startswith("log/") and name.partition(".")[0] not in stems]
    wrong += [f"{stem}.leaf" for stem in stems if f"{stem}.leaf" not in found.files]
    if wrong:
        raise Failing(*wrong)


def _digests(found: _Opened) -> None:
    _lists(found, SUMS, container.sums)
    _lists(found, MANIFEST, container.manifest)


def _gm_digests(found: _Opened) -> None:
    _lists(found, GM_SUMS, container.gm_sums)


def _lists(found: _Opened, name: str, made: Callable[[Files], bytes]) -> None:
    """A list is byte for byte what the files give; what differs is named."""
    wanted, held = made(found.files), found.files[name]
    if wanted != held:
        differing = set(wanted.splitlines()) ^ set(held.splitlines())
        raise Failing(name, *sorted({line.decode("utf-8", "replace")[:160] for line in differing}))


def _signature(found: _Opened) -> None:
    check_cades(found.files[SIGNATURE], found.files[MANIFEST], seal=found.seal)


def _report(found: _Opened) -> None:
    check_pades(found.files["report.pdf"], seal=found.seal)


def _stamp(found: _Opened) -> None:
    if STAMP not in found.files:
        raise Nothing("生成时没有时间戳机构应答 / no authority answered when it was made")
    if container.stamp_manifest(found.files) != found.files[STAMP_MANIFEST]:
        raise Failing(STAMP_MANIFEST)
    check_token(found.files[STAMP], found.files[STAMP_MANIFEST], roots=found.tsa_roots)


def _dates(found: _Opened) -> None:
    """Every stamp is over a checkpoint of this log, and leads to a root that is believed."""
    stamps = sorted(name for name in found.files if name.startswith("tsa/") and name.endswith(".tsr"))
    if not stamps:
        raise Nothing("检查点尚无时间戳 / no time stamp on a checkpoint yet")
    for name in stamps:
        note = found.files[f"tsa/{name.split('/')[1].split('.')[0]}.checkpoint"]
        open_by_any(note.decode("utf-8"), keys=found.logs)
        check_stamp(found.files[name], note, roots=found.tsa_roots)


def _keys(found: _Opened) -> None:
    """The keys written out for openssl are those of the vkey lines, and the log's own are reached from the trusted."""
    for name in ("vkey", "vkey.gm", "vkey.package-gm"):
        vkey = found.files[f"keys/{name}"].decode("utf-8")
        if found.files[f"keys/{name}.pem"] != key_pem(vkey):
            raise Failing(f"keys/{name}.pem")
    for name in ("vkey", "vkey.gm"):
        key = LogKey.parse(found.files[f"keys/{name}"].decode("utf-8"))
        if key not in found.logs and not _is_of(key, found.broken):
            raise Failing(f"keys/{name}")


def _gm_keys(found: _Opened) -> None:
    if LogKey.parse(found.files["keys/vkey.package-gm"].decode("utf-8")) not in found.gm_keys:
        raise Failing("keys/vkey.package-gm")


def _gm_signature(found: _Opened) -> None:
    key = LogKey.parse(found.files["keys/vkey.package-gm"].decode("utf-8"))
    if not key.key.verify(found.files[GM_SIGNATURE], found.files[GM_SUMS]):
        raise Failing(GM_SIGNATURE)


def _proofs(found: _Opened, kind: bytes) -> None:
    """Every entry is under a checkpoint that a key of this kind signed."""
    keys = [key for key in found.logs if key.kind == kind]
    wrong, waiting = [], []
    for entry in found.document["entries"]:
        stem = entry["stem"]
        proof = found.files.get(f"{stem}.tlog-proof")
        if proof is None:
            waiting.append(stem)
            continue
        try:
            check_proof(proof, found.files[f"{stem}.leaf"], keys=keys, heads=found.heads)
        except (InvalidProof, InvalidNote, UnicodeError) as error:
            wrong.append(f"{stem}: {_said(error)}")
    if wrong:
        raise Failing(*wrong)
    if waiting or not found.document["entries"]:
        raise Nothing(*(waiting or ["没有存证条目 / no entries"]))


def check_proof(
    proof: bytes, leaf: bytes, *, keys: list[LogKey], heads: dict[tuple[str, bytes], TreeHead] | None = None
) -> TreeHead:
    """That a leaf is under a checkpoint that one of the keys signed; raises InvalidProof, InvalidNote.

    ``heads`` remembers checkpoints already opened: many proofs are under one.
    """
    parsed = InclusionProof.parse(proof.decode("utf-8"))
    if parsed.text.encode() != proof:
        raise InvalidProof(what="写法不规范")
    known = heads if heads is not None else {}
    at = (parsed.note, keys[0].kind if keys else b"")
    if at not in known:
        known[at] = open_by_any(parsed.note, keys=keys)[0]
    head = known[at]
    verify_inclusion(parsed.index, head.size, leaf_hash(leaf), head.root, parsed.siblings)
    return head


def _contents(found: _Opened) -> None:
    """What the entries are said to hold is what their leaves digest; and they are about this enterprise or its loan."""
    wrong = []
    for entry in found.document["entries"]:
        shown, leaf = _shown(found.files, entry["stem"]), found.files[f"{entry['stem']}.leaf"]
        if set(shown) != set(PARTS) or check_disclosure(leaf, shown):
            wrong.append(entry["stem"])
        elif read_json(leaf)["event"] != entry["event"]:
            wrong.append(f"{entry['stem']}: event")
    if wrong:
        raise Failing(*wrong)


def _bound(found: _Opened) -> None:
    """Of each bound piece: the field of its entry's body that is named holds its SHA-256."""
    bound = [item for item in found.document["items"] if item["bound"]]
    wrong = []
    for item in bound:
        bodies = [read_json(found.files[f"{entry_stem(n)}.body"][16:]) for n in item["entries"]]
        if not any(item["sha256"] in _listed(body.get(item["bound"])) for body in bodies):
            wrong.append(item["path"])
    if wrong:
        raise Failing(*wrong)
    if not bound:
        raise Nothing("没有可对应的材料 / nothing of the kind")


def _listed(value: Any) -> list[Any]:
    """A digest, or several of one entry."""
    return value if isinstance(value, list) else [value]


def _chain(found: _Opened) -> None:
    """Every chain receipt is about a checkpoint of this log, and those listed are there.

    Whether the chain still holds it is asked of the chain (``verify/README.txt``): a file cannot show that.
    """
    held = sorted(name for name in found.files if name.startswith("chain/") and name.endswith(".json"))
    listed = sorted(f"chain/{one['checkpoint']}.{one['ledger']}.json" for one in found.document["chain"])
    if held != listed:
        raise Failing(*sorted(set(held) ^ set(listed)))
    if not held:
        raise Nothing("没有链上回执 / no chain receipt")
    for name in held:
        note = found.files[f"chain/{name.split('/')[1].split('.')[0]}.checkpoint"].decode("utf-8")
        head = open_by_any(note, keys=found.logs)[0]
        check_document(found.files[name], Root(head.origin, head.size, head.root, head.text))


def _whole(found: _Opened, data: bytes, sidecar: bytes | None, broken: Suite | None) -> None:
    """The log's proof of the package's own digest."""
    if sidecar is None:
        raise Nothing("没有附整包回执 / the receipt of the package was not given")
    files = container.unpack(sidecar)
    stem = next(name.removesuffix(".leaf") for name in files if name.endswith(".leaf"))
    leaf, shown = files[f"{stem}.leaf"], _shown(files, stem)
    if set(shown) != set(PARTS) or check_disclosure(leaf, shown):
        raise Failing("回执内容与存证不符 / the receipt's content is not that of its leaf")
    told = read_json(shown["body"]["content"].encode())
    wanted = {"sha256": sha256_hex(data), "sm3": sm3_hex(data)}
    if any(told.get(name) != digest for name, digest in wanted.items()):
        raise Failing("整包摘要与日志所记不符 / the digest differs from the one in the log")
    proof = files.get(f"{stem}.tlog-proof")
    if proof is None:
        raise Nothing("回执尚无包含证明 / the receipt has no proof yet")
    for kind in (ED25519, SM2):
        keys = [key for key in found.logs if key.kind == kind]
        if keys:
            check_proof(proof, leaf, keys=keys)
