"""The protocol between nodes: a node below fetches and hands over pages of signed objects. It opens all connections."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field

from xinqiao.federation.linking import SCOPE
from xinqiao.federation.publishing import give_page, take_answers
from xinqiao.federation.queries import link_state
from xinqiao.federation.receiving import receive_page
from xinqiao.federation.rules import LONGEST_OBJECT, PAGE_OBJECTS
from xinqiao.federation.types import SyncState
from xinqiao.federation.wire import page_as_json, read_answers, read_page, receipt_as_json
from xinqiao.kernel.errors import Invalid, Problem
from xinqiao.parties.types import OrganisationFacts, OrganisationKind
from xinqiao.web.api.v1.calling import PROBLEMS, admitted, caller_of

router = Router(tags=["federation"])
Seq = Annotated[int, Field(ge=0, lt=2**53)]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Code = Annotated[str, Field(min_length=1, max_length=40)]
Short = Annotated[str, Field(max_length=400)]


class Strict(Schema):
    """A body in which every field is known."""

    model_config = ConfigDict(extra="forbid")


class FeedEntryOut(Strict):
    """One place of a feed: an object's canonical JSON (RFC 8785) as text, and its origin's signature (base64)."""

    seq: Seq
    object: Annotated[str, Field(max_length=2 * LONGEST_OBJECT)]
    signature: Short


class PageOut(Strict):
    """A stretch of a feed, bound by a hash chain and signed by the node that sends it."""

    sender: Code
    receiver: Code
    after: Seq
    before: Digest
    entries: Annotated[list[FeedEntryOut], Field(max_length=PAGE_OBJECTS)]
    seq: Seq
    chain: Digest
    head: Seq
    at: Annotated[str, Field(max_length=40)]
    signature: Short


class ProblemOut(Strict):
    """One thing wrong with an object: the pattern of the sentence and what is filled in."""

    field: Annotated[str, Field(max_length=200)]
    code: Annotated[str, Field(max_length=80)]
    message: Annotated[str, Field(max_length=500)]
    data: dict[str, Any] = {}


class PlaceOut(Strict):
    """What became of a place of a feed that was not simply applied."""

    seq: Seq
    state: SyncState
    problems: Annotated[list[ProblemOut], Field(max_length=50)] = []


class PageReceiptOut(Strict):
    """The receiver's cursor after a page, and what was not simply applied."""

    cursor: Seq
    chain: Digest
    answers: list[PlaceOut]


class AnswersIn(Strict):
    """What became of objects that were fetched."""

    answers: Annotated[list[PlaceOut], Field(max_length=PAGE_OBJECTS)]


class CountOut(Strict):
    """How many places were found."""

    noted: int


class KindStateOut(Strict):
    """Count of a kind's objects and the digest over their sorted SHA-256."""

    kind: str
    count: int
    sha256: Digest


class StateOut(Strict):
    """What this node has sent to the caller, as far as confirmed, and received from it."""

    sent: list[KindStateOut]
    received: list[KindStateOut]


class Where(Schema):
    """From which place of the feed on."""

    after: Seq = 0
    replay: bool = False


class Unreadable(Invalid):
    """A body is not one of this protocol."""

    code = "federation.unreadable"
    title = "内容不符合节点同步协议"
    next_step = "请核对双方的系统版本"


def _peer(request: HttpRequest) -> OrganisationFacts:
    """The node that calls: an admitted platform with a program for this protocol."""
    return admitted(caller_of(request, OrganisationKind.PLATFORM, scope=SCOPE))


@router.get("/objects", response={200: PageOut, **PROBLEMS})
def fetch(request: HttpRequest, where: Query[Where]) -> dict[str, Any]:
    """The next page of the feed to the caller. Asking behind a place confirms all before it; a replay does not."""
    return page_as_json(give_page(_peer(request).code, where.after, replay=where.replay, now=timezone.now()))


@router.post("/objects", response={200: PageReceiptOut, **PROBLEMS})
def hand_over(request: HttpRequest, body: PageOut) -> dict[str, Any]:
    """Take a page of the caller's feed in, with the cursor or not at all; a page that comes again changes nothing."""
    peer = _peer(request).code
    return receipt_as_json(receive_page(peer, _read(read_page, body.dict()), now=timezone.now()))


@router.post("/answers", response={200: CountOut, **PROBLEMS})
def answer(request: HttpRequest, body: AnswersIn) -> dict[str, int]:
    """Note what the caller says became of objects it fetched."""
    peer = _peer(request).code
    return {"noted": take_answers(peer, _read(read_answers, body.dict()["answers"]), now=timezone.now())}


@router.get("/state", response={200: StateOut, **PROBLEMS})
def state(request: HttpRequest) -> dict[str, Any]:
    """Counts and digests by kind of what went over the caller's link, to compare with its own."""
    found = link_state(_peer(request).code)
    return {way: [asdict(kind) for kind in kinds] for way, kinds in found.items()}


def _read(read: Any, plain: Any) -> Any:
    try:
        return read(plain)
    except (KeyError, TypeError, ValueError) as error:
        raise Unreadable([Problem("body", "federation.unreadable", str(error)[:200])]) from error
