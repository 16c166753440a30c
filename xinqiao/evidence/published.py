"""What the node publishes beside the tiles: checkpoints with their cosignatures and time stamps, keys, policies."""

from __future__ import annotations

import logging
from pathlib import Path

from xinqiao.evidence.keys import (
    DOCUMENT,
    PACKAGE_GM,
    announcements,
    document_key,
    gm_key,
    log_key,
    log_keys,
    package_gm_key,
)
from xinqiao.evidence.models import Checkpoint, Cosignature, Stamp
from xinqiao.evidence.notes import ED25519, SM2
from xinqiao.evidence.policy import InvalidPolicy, Policy, parse_policy
from xinqiao.plumbing import settings as node

log = logging.getLogger(__name__)

LOOK_BACK = 50  # checkpoints looked through for one that a quorum cosigned

Files = dict[str, bytes]


def node_policy() -> Policy:
    """The node's own policy: its Ed25519 keys, the configured witnesses and their quorum. Raises InvalidPolicy."""
    file = node.witnesses_file()
    policy = parse_policy(file.read_text(encoding="utf-8")) if file else Policy()
    return policy.with_logs(key for key in log_keys() if key.kind == ED25519)


def _policy() -> Policy | None:
    """The node's policy; None while its file is wrong, which must not keep the log from being signed."""
    try:
        return node_policy()
    except (InvalidPolicy, OSError) as error:
        log.error("witness policy cannot be read: %s", error)
        return None


def current_files(last: Checkpoint) -> Files:
    """Every small file that belongs to the last checkpoint, the file ``checkpoint`` at the end."""
    files = {f"keys/{name}": note.encode() for name, note in announcements().items()}
    policy = _policy()
    files["vkey"] = f"{log_key().vkey}\n".encode()
    files["vkey.gm"] = f"{gm_key().vkey}\n".encode()
    # Apart from keys/: what is found there may sign checkpoints.
    files["documents/vkey"] = f"{document_key().vkey}\n".encode()
    files["documents/vkey.package-gm"] = f"{package_gm_key().vkey}\n".encode()
    announced = announcements([DOCUMENT, PACKAGE_GM])
    files |= {f"documents/{name}": note.encode() for name, note in announced.items()}
    if policy:
        files["policy"] = policy.text.encode()
    files["policy.gm"] = Policy(tuple(key for key in log_keys() if key.kind == SM2)).text.encode()
    newest = Stamp.objects.order_by("-checkpoint_id").select_related("checkpoint").first()
    files |= _stamp_files(newest.checkpoint) if newest else {}
    cosigned = cosigned_checkpoint(policy) if policy else None
    if cosigned:
        files["checkpoint.cosigned"] = full_note(cosigned).encode()
    files["checkpoint"] = full_note(last).encode()
    return files


def all_files(last: Checkpoint) -> Files:
    """:func:`current_files` and the time stamps of all earlier checkpoints."""
    files: Files = {}
    for checkpoint in Checkpoint.objects.filter(stamp__isnull=False).distinct():
        files |= _stamp_files(checkpoint)
    return files | current_files(last)


def _stamp_files(checkpoint: Checkpoint) -> Files:
    files = {f"stamps/{checkpoint.size}.checkpoint": checkpoint.note.encode()}
    for stamp in Stamp.objects.filter(checkpoint=checkpoint):
        stem = Path("stamps", f"{checkpoint.size}.{stamp.authority}").as_posix()
        files |= {f"{stem}.tsq": bytes(stamp.query), f"{stem}.tsr": bytes(stamp.response)}
    return files


def full_note(checkpoint: Checkpoint) -> str:
    """A checkpoint with the cosignatures it has."""
    lines = Cosignature.objects.filter(checkpoint=checkpoint).order_by("key_id").values_list("line", flat=True)
    return str(checkpoint.note) + "".join(lines)


def cosigned_checkpoint(policy: Policy) -> Checkpoint | None:
    """The newest checkpoint that a quorum of the policy cosigned; None without witnesses."""
    if not policy.witnesses:
        return None
    names = {item.key.id.hex(): item.name for item in policy.witnesses}
    held: dict[int, list[str]] = {}
    newest = Cosignature.objects.filter(key_id__in=names).order_by("-checkpoint_id")
    for size, key_id in newest.values_list("checkpoint_id", "key_id")[: LOOK_BACK * len(names)]:
        held.setdefault(size, []).append(names[key_id])
    enough = next((size for size, found in held.items() if policy.satisfied_by(found)), None)
    return Checkpoint.objects.get(size=enough) if enough is not None else None


def covering_note(index: int | None) -> tuple[int, str] | None:
    """Size and note of the checkpoint to prove leaf ``index`` under: a cosigned one if it reaches so far."""
    last = Checkpoint.objects.order_by("-size").first()
    if index is None or last is None or index >= last.size:
        return None
    policy = _policy()
    cosigned = cosigned_checkpoint(policy) if policy else None
    best = cosigned if cosigned and index < cosigned.size else last
    return best.size, full_note(best)
