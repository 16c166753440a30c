"""What keys there are, where they lie, and whether they can be used now."""

from __future__ import annotations

from django.db.models import Count, Min

from xinqiao.evidence.keys import EVERY_USE, check_signing, generation
from xinqiao.plumbing.blind_index import INDEX_KEY
from xinqiao.plumbing.key_store import FileKeys, KeyPlace, key_store
from xinqiao.vault.models import DataKey, MasterKey
from xinqiao.vault.sealing import MasterKeyGone, wrapping
from xinqiao.vault.types import DataKeyMissing, KeyFacts

ALGORITHMS = {".key": "Ed25519", ".pem": "SM2", ".kek": "AES-256-GCM", ".mac": "HMAC-SHA-256"}
NO_SM2 = "设备不支持 SM2，国密签名密钥存为文件；生产环境请用经认证的密码机"


def list_keys() -> list[KeyFacts]:
    """Every key of the node by use; asks no token, so that it can be seen while one is locked."""
    facts = []
    for use in EVERY_USE:
        current = generation(use)
        for number in range(max(1, current - 1), current + 1):
            note = "" if number == current else "与新密钥同时签名，直到停用"
            facts += _facts(use.stem, use.name(number), number, note or _no_sm2(use.ending))
    facts += _facts("chain", "chain.pem", 1, "一份日志之内不更换", algorithm="RSA-2048")
    index = "index.key" if FileKeys(key_store().folder).place("index.key") else INDEX_KEY
    facts += _facts("index", index, 1, "不更换：索引都依它而建", algorithm="HMAC-SHA-256")
    facts += _facts("federation", "federation.key", 1, "更换即重新建立节点连接")
    facts += _facts("federation", "federation-gm.pem", 1, "更换即重新建立节点连接")
    facts += _facts("session", "session-secret", 1, "", algorithm="HMAC-SHA-256")
    for row in MasterKey.objects.filter(retired_at=None).order_by("generation"):
        facts += _facts("master", row.name, row.generation, "")
    return facts + _data_keys()


def _facts(use: str, name: str, number: int, note: str, *, algorithm: str = "") -> list[KeyFacts]:
    place: KeyPlace | None = key_store().place(name)
    if place is None:
        return []
    kind = algorithm or ALGORITHMS[name[name.rindex(".") :]]
    return [KeyFacts(use, kind, place.kind, place.label, number, place.since, note)]


def _no_sm2(ending: str) -> str:
    return NO_SM2 if ending == ".pem" and key_store().tokens else ""


def _data_keys() -> list[KeyFacts]:
    """How many data keys stand under each master key and suite."""
    rows = DataKey.objects.filter(destroyed_at=None).values("master", "suite").order_by("master", "suite")
    ciphers = {"intl": "AES-256-GCM", "gm": "SM4-GCM"}
    return [
        KeyFacts("data", ciphers[r["suite"]], "database", str(r["count"]), r["master"], r["since"])
        for r in rows.annotate(count=Count("id"), since=Min("made_at"))
    ]


def check_keys() -> None:
    """Use every key in force once, as work would; raises what keeps one from being used.

    Signs by each key of the log, and opens one data key by each master key that stands.
    """
    check_signing()
    for row in MasterKey.objects.filter(retired_at=None):
        try:
            key = wrapping(row)
            key.unwrap(key.wrap(b"xinqiao health", place=b"health"), place=b"health")
        except MasterKeyGone as gone:
            if DataKey.objects.filter(master=row.generation, destroyed_at=None).exists():
                raise DataKeyMissing(subject=row.name) from gone
