"""The report of a round as a paper: canonical JSON, signed by the node or, for a check of one's own, by nobody."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from xinqiao.admission.types import Wording
from xinqiao.evidence.merkle import InvalidProof
from xinqiao.evidence.notes import InvalidNote, LogKey, NoteSigner, sign_note
from xinqiao.evidence.proofs import check_document, document_text
from xinqiao.kernel.canonical import NotCanonical, canonical_bytes, read_json
from xinqiao.kernel.crypto import SigningKey
from xinqiao.probes.refusals import InvalidReport
from xinqiao.probes.types import PAPER, REPORT, SELF, Outcome, Probe, Round


def document_of(found: Round, probes: Iterable[Probe], *, organisation: str) -> dict[str, Any]:
    """What is signed: the round with each probe's declaration beside its result. ``organisation`` may be empty."""
    declared = {probe.id: probe for probe in probes}
    return {
        "format": REPORT,
        "organisation": organisation,
        "url": found.url,
        "platform": found.platform,
        "environment": found.environment,
        "certificate_sha256": found.certificate,
        "began": found.began.isoformat(),
        "ended": found.ended.isoformat(),
        "counts": {str(outcome): found.count(outcome) for outcome in Outcome},
        "probes": [_declared(declared[result.probe]) | result.as_json() for result in found.results],
    }


def _declared(probe: Probe) -> dict[str, Any]:
    worded = {"title": probe.title, "expects": probe.expects, "clause": probe.clause, "fix": probe.fix}
    told = {name: _both(words) for name, words in worded.items()}
    return {**told, "required": probe.required, "want": dict(probe.want)}


def _both(words: Wording) -> dict[str, str]:
    return {"zh": words.zh, "en": words.en}


def paper(document: dict[str, Any], *, signature: str, key: LogKey) -> bytes:
    """The file that is handed out: document, signed note, and the key it claims to be signed by."""
    return canonical_bytes({"document": document, "signature": signature, "key": key.vkey})


def self_signed(document: dict[str, Any]) -> bytes:
    """The file of a check of one's own: signed by a key that is made and forgotten, under a name that says so."""
    signer = NoteSigner(SELF, SigningKey.generate())
    text = document_text(canonical_bytes(document), kind=PAPER, origin=SELF)
    return paper(document, signature=sign_note(text, name=SELF, key=signer.key), key=signer.public)


def check_report(data: bytes, *, vkeys: Iterable[str] = ()) -> tuple[dict[str, Any], bool]:
    """The document of a report, and whether a key of ``vkeys`` signed it; raises InvalidReport.

    Without such a key the report only agrees with itself: whoever made it may have made the key as well.
    """
    try:
        value = read_json(data)
        document, signature, claimed = value["document"], value["signature"], LogKey.parse(value["key"])
        trusted = [LogKey.parse(vkey) for vkey in vkeys]
        if canonical_bytes(value) != data or document["format"] != REPORT:
            raise InvalidReport(what="不是本版本的探测报告，或不是规范的 JSON")
        known = claimed.vkey in [key.vkey for key in trusted]
        if trusted and not known:
            raise InvalidReport(what="不是所给公钥签名的")
        check_document(canonical_bytes(document), signature, kind=PAPER, key=claimed)
    except (NotCanonical, KeyError, TypeError, AttributeError) as error:
        raise InvalidReport(what="不是探测报告文件") from error
    except (InvalidNote, InvalidProof) as error:
        raise InvalidReport(what=error.message) from error
    return dict(document), known
