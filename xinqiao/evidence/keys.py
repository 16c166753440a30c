"""The log's own keys: made on first use, changed by announcement, kept in files or a token (``plumbing.key_store``).

``log.key`` (Ed25519) and ``log-gm.pem`` (SM2) sign checkpoints; a changed key is ``log-2.key`` and so on, in force once
its announcement ``log-2.note`` lies beside it. As long as the old private key is there, both sign: the overlap.
``document.key`` signs the papers the node hands out and nothing else; the log key announces it. ``package-gm.pem``
signs court packages by SM2 and nothing else; the log's SM2 key announces it, so that it stands without Ed25519.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from xinqiao.evidence.announcements import announce, read_announcement
from xinqiao.evidence.notes import ED25519, SM2, LogKey, NoteSigner
from xinqiao.evidence.types import KeyChanged
from xinqiao.kernel.crypto import save_private
from xinqiao.kernel.suites import Signer
from xinqiao.plumbing import settings as node
from xinqiao.plumbing.key_store import key_store, own_key


@dataclass(frozen=True, slots=True)
class Use:
    """One use of keys: the stem and ending of their names, the type of their signature lines, and who announces them.

    ``by`` is the use whose key announces the first one; None = the log's own key.
    """

    stem: str
    ending: str
    kind: bytes
    by: Use | None = None

    def name(self, generation: int) -> str:
        """Name of the key of a generation, from 1."""
        return f"{self.stem}{'' if generation == 1 else f'-{generation}'}{self.ending}"


LOG = Use("log", ".key", ED25519)
LOG_GM = Use("log-gm", ".pem", SM2)
DOCUMENT = Use("document", ".key", ED25519)
PACKAGE_GM = Use("package-gm", ".pem", SM2, LOG_GM)
USES = (LOG, LOG_GM)  # of the log: what these sign may be a checkpoint
EVERY_USE = (*USES, DOCUMENT, PACKAGE_GM)


def signing_key() -> Signer:
    """The private key in force that signs checkpoints and promises (Ed25519)."""
    return signer(LOG).key


def log_key() -> LogKey:
    """The public key in force under the log's name, as verifiers know it."""
    return signer(LOG).public


def gm_key() -> LogKey:
    """The SM2 public key in force under the log's name."""
    return signer(LOG_GM).public


def document_key() -> LogKey:
    """The public key in force for papers the node hands out; no checkpoint is believed by it."""
    return signer(DOCUMENT).public


def package_gm_key() -> LogKey:
    """The SM2 public key in force for court packages."""
    return signer(PACKAGE_GM).public


def signer(use: Use) -> NoteSigner:
    """The key of a use that is in force, made on first use; raises KeyChanged when an announced key is lost."""
    current, store = generation(use), key_store()
    key = store.find(use.name(current))
    if key is None:
        if _announcement(use, current).exists():
            raise KeyChanged(origin=node.log_origin())
        key = store.create(use.name(current))
    found = NoteSigner(node.log_origin(), key, use.kind)
    if use != LOG and not _announcement(use, 1).exists():
        _keep(_announcement(use, 1), announce(found, old=signer(use.by or LOG)))
    return found


def check_signing() -> None:
    """Sign and verify with every key in force, as a checkpoint does; raises what keeps a key from signing.

    A public key that is still known says nothing about a token that is locked: only a signature does.
    """
    for use in EVERY_USE:
        found = signer(use)
        if not found.public.key.verify(found.key.sign(b"xinqiao health"), b"xinqiao health"):
            raise KeyChanged(origin=node.log_origin())


def log_signers() -> list[NoteSigner]:
    """All that sign a checkpoint: both suites, and during an overlap the keys before as well."""
    before = [(use, key_store().find(use.name(generation(use) - 1))) for use in USES if generation(use) > 1]
    old = [NoteSigner(node.log_origin(), key, use.kind) for use, key in before if key]
    return [signer(LOG), signer(LOG_GM), *old]


def log_keys() -> list[LogKey]:
    """Every public key this log has had, those in force first: Ed25519 and SM2."""
    pairs = [read_announcement(note) for note in announcements().values()]
    return list(dict.fromkeys([log_key(), gm_key(), *(key for pair in reversed(pairs) for key in reversed(pair))]))


def announcements(uses: Sequence[Use] = USES) -> dict[str, str]:
    """The announcements by file name, in order; by default those of the log's own keys."""
    paths = [_announcement(use, number) for use in uses for number in range(1, generation(use) + 1)]
    return {path.name: path.read_text(encoding="utf-8") for path in paths if path.exists()}


def generation(use: Use) -> int:
    """Which key of a use is in force, from 1."""
    number = 1
    while _announcement(use, number + 1).exists():
        number += 1
    return number


def next_key(use: Use) -> NoteSigner:
    """Make the key that will follow the one in force; it is not in force before :func:`put_in_force`."""
    name = use.name(generation(use) + 1)
    return NoteSigner(node.log_origin(), own_key(name), use.kind)


def put_in_force(use: Use, new: NoteSigner) -> None:
    """Announce the next key, signed by the one before."""
    _keep(_announcement(use, generation(use) + 1), announce(new, old=signer(use)))


def end_overlap(use: Use) -> bool:
    """Destroy the private key before the one in force; False when there is none."""
    name = use.name(generation(use) - 1)
    if generation(use) == 1 or key_store().find(name) is None:
        return False
    key_store().destroy(name)
    return True


def _announcement(use: Use, number: int) -> Path:
    return node.keys_dir() / f"{use.stem}-{number}.note"


def _keep(path: Path, note: str) -> None:
    with suppress(FileExistsError):  # another process was first
        save_private(path, note.encode())
