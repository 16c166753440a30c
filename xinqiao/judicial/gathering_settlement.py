"""What proceedings hold of a matter: contract, deed, demands, delivery, certificates, decisions; the notary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from xinqiao.judicial.facts import NOT_HELD
from xinqiao.judicial.types import Material, Matter, MatterKind, Phase
from xinqiao.kernel.canonical import canonical_bytes
from xinqiao.kernel.dated import beijing_day
from xinqiao.kernel.papers import kind_of
from xinqiao.settlement.queries import find_body, list_about, list_papers, list_steps, read_paper
from xinqiao.settlement.refusals import UnknownPaper
from xinqiao.settlement.types import Paper, PaperKind, Proceeding, Step

SOURCE = "公证仲裁诉讼"
PHASES: Mapping[PaperKind, Phase] = {
    **dict.fromkeys((PaperKind.CONTRACT, PaperKind.GUARANTEE, PaperKind.DEED), Phase.SIGNED),
    PaperKind.DUNNING: Phase.DUNNED,
    **dict.fromkeys((PaperKind.DELIVERY, PaperKind.ADDRESS), Phase.DELIVERED),
    **dict.fromkeys((PaperKind.CERTIFICATE, PaperKind.DECISION, PaperKind.NOTICE, PaperKind.OTHER), Phase.SETTLED),
}
# A package stays under a megabyte: larger papers are listed by their digests and handed over beside it.
LARGEST, MOST = 160 * 1024, 400 * 1024


def collect_settlement(matter: Matter) -> Iterator[Material]:
    """Each proceeding about the matter with its steps and papers."""
    if matter.kind is MatterKind.DISPUTE:
        return
    room = MOST
    for number, found in enumerate(_about(matter), 1):
        papers = [one for one in list_papers(found.id) if one.kind is not PaperKind.PACKAGE]
        yield _listed(found, papers, number)
        for paper in papers:
            if paper.size > min(LARGEST, room):
                continue
            piece = _piece(found, paper, number)
            if piece is not None:
                room -= paper.size
                yield piece


def _listed(found: Proceeding, papers: list[Paper], number: int) -> Material:
    """The steps, and every paper by its digests, whether or not it lies in the package."""
    steps = list_steps(found)
    body = {
        "proceeding": found.id,
        "kind": str(found.kind),
        "state": str(found.state),
        "steps": [
            {"event": s.event, "state": s.state, "at": s.at.isoformat(), "side": s.side, "entry": s.entry}
            for s in steps
        ],
        "papers": [
            {"kind": p.kind, "name": p.name, "number": p.number, "sha256": p.sha256, "sm3": p.sm3, "size": p.size}
            for p in papers
        ],
    }
    return Material(
        Phase.SETTLED, f"{found.kind.label}办理记录与材料清单", f"settlement-{number:02d}", "json",
        canonical_bytes(body), found.since, collector="省级节点", source=SOURCE,
        entries=tuple(s.entry for s in steps if s.entry),
    )  # fmt: skip


def _piece(found: Proceeding, paper: Paper, number: int) -> Material | None:
    try:
        data = read_paper(found, paper.id)[1]
    except UnknownPaper:
        return None
    return Material(
        PHASES[paper.kind], f"{paper.kind.label} {paper.number or paper.name}".strip(),
        f"settlement-{number:02d}-{paper.kind}-{paper.id}", kind_of(data) or "bin", data, paper.at,
        collector=paper.side.label, source=SOURCE, entries=(paper.entry,), bound="sha256",
    )  # fmt: skip


def clauses_of(numbers: tuple[str, ...], *, institution: str, enterprise: str) -> dict[str, object]:
    """What is known of how disputes are settled and whether enforcement was accepted; what is not known says so."""
    found = list_about(numbers, institution=institution, enterprise=enterprise)
    agreed = next((one.terms.agreement for one in found if one.terms.agreement), "")
    deed = next((step for one in found if (step := _drawn_up(one))), None)
    held = str(deed.facts.get("document_no") or "是") if deed else NOT_HELD
    return {"dispute_clause": agreed or NOT_HELD, "enforceable": held}


def _drawn_up(found: Proceeding) -> Step | None:
    """The step by which its deed was notarised."""
    return next((step for step in list_steps(found) if step.event == "notarise"), None)


def notary_of(matter: Matter) -> dict[str, str] | None:
    """Office, number and day of the enforceable deed about the matter, None when there is none."""
    for found in _about(matter) if matter.kind is not MatterKind.DISPUTE else ():
        drawn = _drawn_up(found)
        if drawn is None:
            continue
        office = find_body(found.body)
        return {
            "office": office.name if office else found.body,
            "certificate_no": str(drawn.facts.get("document_no", "")),
            "date": str(drawn.facts.get("on") or beijing_day(drawn.at).isoformat()),
            "verify_url": "",
        }
    return None


def _about(matter: Matter) -> list[Proceeding]:
    numbers = tuple(one for one in (matter.number, matter.application) if one)
    return list_about(numbers, institution=matter.institution, enterprise=matter.enterprise)
