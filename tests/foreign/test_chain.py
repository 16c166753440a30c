"""A real chain node (anvil) takes the roots; a compiler and a client nobody here wrote agree with what we say.

The published count (a million entries under one transaction) is ``./check bench anchor_million``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tencentcloud.btoe.v20210303 import btoe_client, models
from tencentcloud.btoe.v20210514 import btoe_client as later_client
from tencentcloud.btoe.v20210514 import models as later
from tencentcloud.common import credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from typer.testing import CliRunner

from tests.chain_peers import SECRET_ID, SECRET_KEY, running_peers
from tests.chains import RICH, installed, running_anvil
from tests.factories import NOW
from tests.integration.test_anchoring import MINUTE, anchors, grow  # noqa: F401
from tests.lawsuit import lend, sue
from tests.market import open_market
from xinqiao.anchoring.adapters import evm
from xinqiao.anchoring.adapters.evm import CONTRACT, EvmLedger
from xinqiao.anchoring.models import AnchorRow
from xinqiao.anchoring.queries import list_anchors, list_standing
from xinqiao.anchoring.receipts import TOPIC, check_document
from xinqiao.anchoring.taking import newest_root, take_anchors, verify_anchors
from xinqiao.anchoring.types import AnchorState, ChainReceipt, LedgerKind, LedgerRefused, Root
from xinqiao.anchoring.types import Ledger as LedgerOf
from xinqiao.config.cli import app
from xinqiao.judicial import container
from xinqiao.judicial.types import CheckState
from xinqiao.judicial.verifying import verify_package
from xinqiao.kernel.canonical import canonical_bytes, read_json
from xinqiao.plumbing import settings as node

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
LEDGER = '[[ledgers]]\nname = "chain"\nkind = "evm"\nurl = "{url}"\ncontract = "{contract}"\nconfirmations = "{wait}"\n'
NOWHERE = "0x" + "0" * 40


def use(file: Path, url: str, *, wait: int = 1) -> EvmLedger:
    """Deploy the contract by the command an operator runs, paid by the node's account, and name it in the file."""
    file.write_text(LEDGER.format(url=url, contract=NOWHERE, wait=wait), "utf-8")
    rich(EvmLedger(LedgerOf("chain", LedgerKind.EVM, url, {"contract": NOWHERE})))
    made = CliRunner().invoke(app, ["anchors", "deploy", "chain"])
    assert made.exit_code == 0, made.output
    contract = made.output.split("合约")[1].strip()
    file.write_text(LEDGER.format(url=url, contract=contract, wait=wait), "utf-8")
    return EvmLedger(LedgerOf("chain", LedgerKind.EVM, url, {"contract": contract}))


def rich(line: EvmLedger) -> None:
    """Give the node's account some coins."""
    line._rpc("anvil_setBalance", [line.account, hex(10**20)])


def written(line: EvmLedger, root: Root) -> ChainReceipt:
    """Send a root and wait until the node has written it: it mines in its own time."""
    return waited(partial(line.receipt, line.submit(root).handle, root))


def anchored(now: datetime) -> int:
    """Send and ask until something is confirmed."""
    return waited(partial(take_anchors, now=now))


def waited(ask: Callable[[], Any]) -> Any:
    for _ in range(100):
        if found := ask():
            return found
        time.sleep(0.05)
    pytest.fail("the chain node wrote nothing in five seconds")


def mine(line: EvmLedger, blocks: int) -> None:
    line._rpc("anvil_mine", [hex(blocks)])


def test_a_chain_takes_the_root_and_its_event_says_so(anchors: Path, tmp_path: Path) -> None:  # noqa: F811
    """Deploy, anchor, verify by receipt and log; a node restarted holds it; a chain rolled back does not."""
    with running_anvil(tmp_path / "chain") as url:
        line = use(anchors, url, wait=2)
        port = int(url.rpartition(":")[2])
        size = grow(NOW)
        assert take_anchors(now=NOW) == 0  # one block stands on it, two are wanted
        mine(line, 1)
        assert anchored(NOW + timedelta(seconds=5)) == 1
        assert verify_anchors() == []
        anchor = list_anchors()[0]
        check_document(anchor.document, newest_root())
        told: dict[str, Any] = json.loads(anchor.document)
        [event] = told["raw"]["receipt"]["logs"]
        assert event["topics"][0] == TOPIC and int(event["topics"][2], 16) == size
    with running_anvil(tmp_path / "chain", port=port):
        assert verify_anchors() == []
        before = line._rpc("evm_snapshot", [])
        later = grow(NOW)
        assert take_anchors(now=NOW + 2 * MINUTE) == 0
        mine(line, 1)
        assert anchored(NOW + 2 * MINUTE) == 1 and verify_anchors() == []
        line._rpc("evm_revert", [before])
        assert [said.split(":")[0] for said in verify_anchors()] == [f"chain {later}"]
    grow(NOW)
    assert take_anchors(now=NOW + 4 * MINUTE) == 0 and "chain" in list_standing()[0].name
    assert list_standing()[0].trouble  # away, and only the receipt waits


def test_the_contract_keeps_a_log_for_its_first_keeper_and_its_size_growing(
    anchors: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    """A roll-back, the same size again, another account: each reverted by the chain itself."""
    with running_anvil(tmp_path / "chain") as url:
        line = use(anchors, url)
        first, second = (Root("log.example/x", size, bytes([size]) * 32, "t") for size in (5, 9))
        assert written(line, second)
        for root in (first, second):
            with pytest.raises(LedgerRefused):
                written(line, root)
        file = node.keys_dir() / "anchor-stranger.secp256k1"
        file.write_text(RICH[2:])
        stranger = EvmLedger(LedgerOf("stranger", LedgerKind.EVM, url, {"contract": line._contract}))
        larger = Root("log.example/x", 99, b"\1" * 32, "t")
        with pytest.raises(LedgerRefused):
            written(stranger, larger)
        own = Root("log.example/y", 1, b"\2" * 32, "t")
        assert written(stranger, own)
        assert line.find(second) and not line.find(larger)


def test_a_crash_after_sending_finds_the_event(anchors: Path, tmp_path: Path) -> None:  # noqa: F811
    """The chain would refuse the same size again: the receipt is found by its event."""
    with running_anvil(tmp_path / "chain") as url:
        use(anchors, url)
        grow(NOW)
        assert anchored(NOW) == 1
        document = bytes(AnchorRow.objects.get().document)
        AnchorRow.objects.update(state=AnchorState.SENDING, handle="", document=b"")
        assert anchored(NOW + timedelta(seconds=5)) == 1
        assert bytes(AnchorRow.objects.get().document) == document


def test_a_package_carries_the_chain_receipt(anchors: Path, fresh_node: Path, tmp_path: Path) -> None:  # noqa: F811
    """Entries are proved under the anchored checkpoint; a receipt about another root fails the package's check."""
    with running_anvil(tmp_path / "chain") as url:
        use(anchors, url)
        lend(open_market())
        grow(NOW + timedelta(days=61))
        anchored(NOW + timedelta(days=61))
        made = sue()
    verdict = verify_package(made.data, whole=made.proof)
    states = {check.code: check.state for check in verdict.checks}
    assert verdict.ok and states["chain"] is CheckState.PASSED
    files = container.unpack(made.data)
    [chain] = read_json(files["evidence.json"])["chain"]
    assert chain["kind"] == "evm" and chain["tx_hash"].startswith("0x")
    assert {e["checkpoint"] for e in read_json(files["evidence.json"])["entries"]} == {chain["checkpoint"]}
    name = f"chain/{chain['checkpoint']}.chain.json"
    told = read_json(files[name])
    told["raw"]["receipt"]["logs"][0]["data"] = "0x" + "00" * 64
    spoilt = verify_package(container.pack(files | {name: canonical_bytes(told)}))
    assert "chain" in {check.code for check in spoilt.failed}


def test_the_contract_is_its_source() -> None:
    """npm's compiler makes the committed bytes and interface out of the committed source."""
    source = CONTRACT.with_suffix(".sol")
    command = ["node", "compile.cjs", str(source)]
    made = subprocess.run(command, cwd=installed(), check=True, capture_output=True, text=True)
    assert json.loads(made.stdout) == json.loads(CONTRACT.read_text("utf-8"))


@contextmanager
def tencent(folder: Path, secret: str) -> Iterator[tuple[btoe_client.BtoeClient, later_client.BtoeClient]]:
    """The platform's own clients, of PyPI, in both versions, before our peer of the platform."""
    with running_peers(folder) as peer:
        http = HttpProfile(protocol="http", endpoint=peer.url.removeprefix("http://"))
        who = credential.Credential(SECRET_ID, secret)
        told = (who, "ap-beijing", ClientProfile(httpProfile=http))
        yield btoe_client.BtoeClient(*told), later_client.BtoeClient(*told)


def test_the_platforms_own_client_is_understood_by_the_peer(tmp_path: Path) -> None:
    """The peer is exact enough for Tencent's SDK: fields, signature, errors."""
    with tencent(tmp_path / "a", SECRET_KEY) as (client, newer):
        asked = models.CreateHashDepositNoCertRequest()
        asked.EvidenceHash, asked.HashType, asked.BusinessId = "ab" * 32, 1, "x-1"
        told = client.CreateHashDepositNoCert(asked)
        assert told.EvidenceId and told.BlockchainHeight == 1 and told.BusinessId == "x-1"
        again = later.VerifyEvidenceBlockChainTxHashRequest()
        again.EvidenceTxHash = told.EvidenceTxHash
        assert newer.VerifyEvidenceBlockChainTxHash(again).Result is True
    with tencent(tmp_path / "b", "another") as (client, _), pytest.raises(TencentCloudSDKException) as refused:
        client.CreateHashDepositNoCert(asked)
    assert refused.value.code == "AuthFailure.SignatureFailure"


def test_the_library_leaves_the_limit_of_recursion_as_it_was() -> None:
    """It raised the limit as it loaded, and deeply nested JSON from outside then ended the process."""
    before = sys.getrecursionlimit()
    evm._web3()
    assert sys.getrecursionlimit() == before < 100_000
