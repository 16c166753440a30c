"""Roots on ledgers: each platform's own fields and signatures, outages that delay only receipts, receipts that lie."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from typer.testing import CliRunner

from tests.chain_peers import (
    ACCESS_KEY,
    CHAIN,
    DOMAIN,
    PASSWORD,
    PROJECT,
    SECRET_ID,
    SECRET_KEY,
    USER,
    Peer,
    running_peers,
)
from tests.factories import NOW
from xinqiao.anchoring.adapters.xinghuo import XinghuoLedger
from xinqiao.anchoring.ledgers import list_ledgers
from xinqiao.anchoring.models import AnchorRow
from xinqiao.anchoring.queries import anchored_sizes, list_anchors, list_standing
from xinqiao.anchoring.receipts import check_document
from xinqiao.anchoring.taking import newest_root, root_of_size, take_anchors, verify_anchors
from xinqiao.anchoring.types import AnchorState, InvalidAnchor, InvalidLedgers
from xinqiao.config.cli import app
from xinqiao.evidence.actions import record, sequence
from xinqiao.evidence.queries import list_entries, log_status, receipt
from xinqiao.kernel.canonical import canonical_bytes, sha256_hex
from xinqiao.kernel.sm2 import Sm2SigningKey
from xinqiao.parties.types import ORGANISATION_ADMITTED
from xinqiao.plumbing import settings as node

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
NAMES = ("huawei", "tencent", "xinghuo")


def grow(now: datetime, count: int = 3) -> int:
    """Some entries under a signed checkpoint; its size."""
    with transaction.atomic():
        for number in range(count):
            record(ORGANISATION_ADMITTED, actor="t", subject=f"x{number}", body={"n": number}, now=now)
    sequence(now=now)
    return log_status().size


def ledgers(url: str) -> str:
    """The file of ledgers as an operator writes it."""
    rows: tuple[dict[str, str], ...] = (
        {"name": "huawei", "kind": "dac", "url": f"{url}/dac", "iam": f"{url}/iam", "project": PROJECT,
         "chain": CHAIN, "domain": DOMAIN, "user": USER, "password": PASSWORD, "platform": "省级节点"},
        {"name": "tencent", "kind": "btoe", "url": url, "secret_id": SECRET_ID, "secret_key": SECRET_KEY},
        {"name": "xinghuo", "kind": "xinghuo", "url": f"{url}/xinghuo", "access_key": ACCESS_KEY},
    )  # fmt: skip
    return "".join("[[ledgers]]\n" + "".join(f'{k} = "{v}"\n' for k, v in row.items()) for row in rows)


@pytest.fixture
def anchors(evidence_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of ledgers, empty."""
    file = tmp_path / "anchors.toml"
    file.touch(mode=0o600)
    monkeypatch.setenv("XINQIAO_ANCHORS", str(file))
    node.anchors_file.cache_clear()
    yield file
    monkeypatch.delenv("XINQIAO_ANCHORS")
    node.anchors_file.cache_clear()


@pytest.fixture
def peer(anchors: Path, tmp_path: Path) -> Iterator[Peer]:
    """Three platforms, known to the node and knowing its SM2 key."""
    with running_peers(tmp_path / "peers") as running:
        anchors.write_text(ledgers(running.url), "utf-8")
        running.tell(xinghuo_pem=XinghuoLedger(list_ledgers()[2]).public_pem)
        yield running


def test_every_platform_takes_one_root_a_minute_and_its_receipt_is_public(peer: Peer, evidence_folder: Path) -> None:
    """Fields and signatures exactly as published; a root that does not grow is not sent twice."""
    size = grow(NOW)
    assert take_anchors(now=NOW) == 3
    assert {(a.ledger, a.size, a.state) for a in list_anchors()} == {(n, size, AnchorState.CONFIRMED) for n in NAMES}
    grow(NOW)
    assert take_anchors(now=NOW + timedelta(seconds=59)) == 0  # not yet its turn
    assert take_anchors(now=NOW + MINUTE) == 3
    assert take_anchors(now=NOW + 2 * MINUTE) == 0  # nothing new
    assert len(list_anchors()) == 6 and anchored_sizes() == [6, 3]
    assert verify_anchors() == []
    for name in NAMES:
        document = (evidence_folder / "anchors" / f"{size}.{name}.json").read_bytes()
        check_document(document, root_of_size(size))
        assert Client().get(f"/log/anchors/{size}.{name}.json").getvalue() == document
    assert (evidence_folder / "anchors" / f"{size}.checkpoint").exists()


def test_an_outage_delays_only_the_receipts(peer: Peer) -> None:
    """Entries, checkpoints and proofs go on; afterwards one root dates all that came meanwhile."""
    peer.tell(down=True)
    first = grow(NOW)
    assert take_anchors(now=NOW) == 0 and receipt(list_entries()[0].id).proof
    assert all(one.trouble for one in list_standing())
    size = grow(NOW + MINUTE)
    assert size > first and take_anchors(now=NOW + MINUTE) == 0
    peer.tell(down=False)
    assert take_anchors(now=NOW + 2 * MINUTE) == 3  # what was being sent, sent again
    assert take_anchors(now=NOW + 3 * MINUTE) == 3 and anchored_sizes()[0] == size
    assert not any(one.trouble for one in list_standing())


def test_a_slow_ledger_is_asked_until_it_has_written(peer: Peer) -> None:
    """Pending, asked again, confirmed; the one that answers at once does not wait for the others."""
    peer.tell(slow=True)
    grow(NOW)
    assert take_anchors(now=NOW) == 1
    waiting = {a.ledger for a in list_anchors() if a.state is AnchorState.PENDING}
    assert waiting == {"huawei", "xinghuo"}
    assert take_anchors(now=NOW + timedelta(seconds=5)) == 0
    assert take_anchors(now=NOW + timedelta(seconds=10)) == 2


def test_a_root_that_never_came_is_let_go(peer: Peer) -> None:
    """After ten minutes the next root is sent: it dates everything under it too."""
    grow(NOW)
    assert take_anchors(now=NOW) == 3
    row = AnchorRow.objects.get(ledger="huawei")
    AnchorRow.objects.filter(pk=row.pk).update(state=AnchorState.PENDING, handle="f" * 32, document=b"")
    assert take_anchors(now=NOW + MINUTE) == 0
    assert "DAC.0404" in next(one.trouble for one in list_standing() if one.name == "huawei")
    assert take_anchors(now=NOW + timedelta(minutes=11)) == 0
    assert AnchorRow.objects.get(pk=row.pk).state == AnchorState.LOST
    grow(NOW + timedelta(minutes=12))
    assert take_anchors(now=NOW + timedelta(minutes=13)) == 3


def test_a_crash_between_sending_and_noting_loses_nothing(peer: Peer) -> None:
    """The platform that can be asked is asked for the root before it is sent again."""
    grow(NOW)
    assert take_anchors(now=NOW) == 3
    known = json.loads(bytes(AnchorRow.objects.get(ledger="huawei").document))["ev_id"]
    AnchorRow.objects.filter(ledger="huawei").update(state=AnchorState.SENDING, handle="", document=b"")
    assert take_anchors(now=NOW + timedelta(seconds=3)) == 1
    assert json.loads(bytes(AnchorRow.objects.get(ledger="huawei").document))["ev_id"] == known


def test_wrong_credentials_are_told_and_stop_nobody_else(peer: Peer, anchors: Path) -> None:
    """Each signature is checked by the peer: a wrong secret, password or key is refused by its platform alone."""
    text = anchors.read_text("utf-8")
    anchors.write_text(text.replace(SECRET_KEY, "another").replace(PASSWORD, "wrong"), "utf-8")
    peer.tell(xinghuo_pem=peer_key())
    grow(NOW)
    assert take_anchors(now=NOW) == 0
    troubles = {one.name: one.trouble for one in list_standing()}
    assert "SignatureFailure" in troubles["tencent"] and "IAM" in troubles["huawei"] and "403" in troubles["xinghuo"]


def peer_key() -> str:
    """A public key that is not the node's."""
    return Sm2SigningKey.generate().public.pem


def test_receipts_that_lie_are_found(peer: Peer) -> None:
    """Any changed field of a receipt is found offline or by asking the platform; another log's root is not ours."""
    size = grow(NOW)
    take_anchors(now=NOW)
    root = newest_root()
    for anchor in list_anchors():
        told: dict[str, Any] = json.loads(anchor.document)
        for name in ("origin", "size", "root", "sha256", "sm3", "raw_sha256", "ev_id", "tx_hash", "kind"):
            changed = canonical_bytes({**told, name: 7 if name == "size" else "dac" if told[name] != "dac" else "btoe"})
            with pytest.raises((InvalidAnchor, KeyError, ValueError)):
                check_document(changed, root)
        with pytest.raises(InvalidAnchor):
            check_document(canonical_bytes(told)[:-1] + b" }", root)
    grow(NOW)
    with pytest.raises(InvalidAnchor):
        check_document(bytes(AnchorRow.objects.get(ledger="tencent", size=size).document), newest_root())
    row = AnchorRow.objects.get(ledger="huawei", size=size)
    told = json.loads(bytes(row.document))
    told["raw"]["evidence"]["tx_id"] = told["tx_hash"] = "0" * 64
    told["raw_sha256"] = sha256_hex(canonical_bytes(told["raw"]))
    AnchorRow.objects.filter(pk=row.pk).update(document=canonical_bytes(told))
    assert [said.split(":")[0] for said in verify_anchors()] == [f"huawei {size}"]


def test_a_wrong_file_of_ledgers_names_every_fault(anchors: Path) -> None:
    """By ledger and field; a file that others may read is refused."""
    assert list_ledgers() == [] and take_anchors(now=NOW) == 0
    anchors.write_text('[[ledgers]]\nname = "A b"\nkind = "evm"\nurl = "ftp://x"\n[[ledgers]]\nname="c"\nkind="x"\n')
    with pytest.raises(InvalidLedgers) as told:
        list_ledgers()
    found = {(p.row, p.field) for p in told.value.problems}
    assert found == {(1, "name"), (1, "url"), (1, "contract"), (2, "url"), (2, "kind")}
    anchors.write_text("[[")
    with pytest.raises(InvalidLedgers):
        list_ledgers()
    anchors.chmod(0o644)
    with pytest.raises(InvalidLedgers):
        list_ledgers()


def test_the_command_line_takes_lists_and_verifies(peer: Peer) -> None:
    """What the job does each minute, by hand."""
    grow(NOW)
    runner = CliRunner()
    assert "上链 3 个" in runner.invoke(app, ["anchors", "take"]).output
    listed = runner.invoke(app, ["anchors", "list"]).output
    assert all(name in listed for name in NAMES) and "已上链" in listed
    assert runner.invoke(app, ["anchors", "verify"]).exit_code == 0
    assert "BEGIN PUBLIC KEY" in runner.invoke(app, ["anchors", "key", "xinghuo"]).output
    assert runner.invoke(app, ["anchors", "deploy", "xinghuo"]).exit_code == 2


def test_the_public_page_shows_what_is_anchored(peer: Peer) -> None:
    """Each receipt with its ledger, its reach and a link to the file; nothing before there is one."""
    assert "链上存证" not in Client().get("/evidence/").content.decode()
    size = grow(NOW)
    take_anchors(now=NOW)
    page = Client().get("/evidence/").content.decode()
    assert "链上存证" in page and all(f"/log/anchors/{size}.{name}.json" in page for name in NAMES)
