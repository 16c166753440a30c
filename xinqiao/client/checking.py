"""Whether an answer of a node is evidenced: its receipt is signed by the log, and is about this very answer. Pure.

A node that gave an answer without logging it could deny it. So an answer without a receipt that holds is no answer:
its content is not handed on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xinqiao.evidence.leaves import check_disclosure
from xinqiao.evidence.notes import LogKey, TreeHead, carries
from xinqiao.evidence.proofs import check_receipt, read_receipt
from xinqiao.kernel.canonical import NotCanonical, canonical_bytes, read_json, sha256_hex
from xinqiao.kernel.errors import Corrupt

GRANTED, REFUSED = "release.granted", "release.refused"
SHOWN = ("subject", "body")


class NotEvidenced(Exception):
    """The node answered without a receipt that holds; ``args[0]`` says what is wrong. The answer must not be used."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, as the receipt must say it again."""

    organisation: str
    enterprise: str
    purpose: str
    form: str
    authorisation: str = ""


@dataclass(frozen=True, slots=True)
class Evidenced:
    """An answer with evidence. ``document`` is None for a refusal; ``head`` is None until the log covers the entry."""

    access: str
    document: Mapping[str, Any] | None
    receipt: Mapping[str, Any]
    head: TreeHead | None


def check_answer(answer: Mapping[str, Any], *, asked: Asked, vkeys: Sequence[str]) -> Evidenced:
    """Check a 200 of ``POST /api/v1/reports``; raises NotEvidenced.

    ``vkeys`` are the log's public keys as the caller knows them, never as the answer names them.
    """
    document = answer.get("document")
    if not isinstance(document, Mapping):
        raise NotEvidenced("the answer holds no document")
    body, head = _evidence(answer, vkeys, event=GRANTED)
    _same(body, asked)
    try:
        digest = sha256_hex(canonical_bytes(dict(document)))
    except NotCanonical as error:
        raise NotEvidenced(f"the document is no plain JSON: {error}") from error
    if body.get("answer_sha256") != digest:
        raise NotEvidenced("the receipt is about another document")
    if body.get("access") != answer.get("access"):
        raise NotEvidenced("the receipt is about another access")
    return Evidenced(str(answer["access"]), document, answer["receipt"], head)


def check_refusal(problem: Mapping[str, Any], *, asked: Asked, vkeys: Sequence[str]) -> Evidenced:
    """Check the refusal of a report (403 ``release.refused``); raises NotEvidenced."""
    body, head = _evidence(problem, vkeys, event=REFUSED)
    _same(body, asked)
    if body.get("answer_sha256") or body.get("access") != problem.get("access"):
        raise NotEvidenced("the receipt is about another access")
    return Evidenced(str(problem["access"]), None, problem["receipt"], head)


def _evidence(
    answer: Mapping[str, Any], vkeys: Sequence[str], *, event: str
) -> tuple[Mapping[str, Any], TreeHead | None]:
    """The body that the leaf bears out, and the tree head over it."""
    if not answer.get("receipt") or not answer.get("disclosure"):
        raise NotEvidenced("the answer has no receipt")
    try:
        keys = [LogKey.parse(text) for text in vkeys]
        receipt = read_receipt(canonical_bytes(answer["receipt"]))
        fitting = next((key for key in keys if carries(receipt.promise, key=key)), keys[0])
        head = check_receipt(receipt, key=fitting, others=keys)
        told = read_json(receipt.leaf)
    except (Corrupt, NotCanonical, TypeError, AttributeError) as error:
        raise NotEvidenced(f"the receipt does not hold: {error}") from error
    disclosure = {part: answer["disclosure"].get(part) for part in SHOWN}
    if check_disclosure(receipt.leaf, disclosure):
        raise NotEvidenced("the receipt is about something else than what is shown")
    if told.get("event") != event:
        raise NotEvidenced(f"the receipt is of {told.get('event')}, not of {event}")
    body = dict(json.loads(disclosure["body"]["content"]))
    return body | {"enterprise": disclosure["subject"]["content"]}, head


def _same(body: Mapping[str, Any], asked: Asked) -> None:
    wanted = {"recipient": asked.organisation, "enterprise": asked.enterprise, "purpose": asked.purpose}
    wanted |= {"form": asked.form}
    if asked.authorisation:
        wanted |= {"authorisation": asked.authorisation}
    other = [name for name, value in wanted.items() if body.get(name) != value]
    if other:
        raise NotEvidenced(f"the receipt is about another request: {', '.join(other)} differ")
