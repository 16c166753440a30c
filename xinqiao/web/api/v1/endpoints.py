"""The endpoints of version 1. Every one but the catalogue needs a token of an organisation's client."""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import File, Form, NinjaAPI, Query
from ninja.files import UploadedFile
from ninja.security.base import AuthBase

from xinqiao.admission.refusals import NotHosted
from xinqiao.catalogue.schema import described
from xinqiao.consent.queries import get_template
from xinqiao.consent.rules import check_purpose
from xinqiao.consent.types import Form as ConsentForm
from xinqiao.directory.actions import find
from xinqiao.evidence.proofs import receipt_as_json
from xinqiao.evidence.queries import receipt
from xinqiao.ingest.actions import receive, receive_rows, undo_delivery
from xinqiao.ingest.queries import get_outcome, list_deliveries
from xinqiao.ingest.types import Outcome
from xinqiao.kernel.identifiers import parse_uscc
from xinqiao.oauth.rules import check_within
from xinqiao.parties.queries import list_organisations
from xinqiao.parties.types import OrganisationFacts, OrganisationKind
from xinqiao.release.actions import check_again, query
from xinqiao.release.queries import get_access, list_accesses
from xinqiao.release.reading import prepare, read
from xinqiao.release.types import SHOWN_PARTS, Access, Answer, Inquiry, Recipient
from xinqiao.sharing.queries import current_list
from xinqiao.tracing.queries import marked
from xinqiao.web.api.v1 import (
    authorisations,
    corrections,
    daybooks,
    disputes,
    federation,
    lending,
    monitoring,
    notices,
    proceedings,
    schemas,
)
from xinqiao.web.api.v1.calling import (
    PROBLEMS,
    RECIPIENTS,
    Key,
    admitted,
    answered_once,
    caller_of,
    program,
    used_token,
)
from xinqiao.web.api.v1.problems import MEDIA_TYPE, install
from xinqiao.web.oauth.calls import token_of
from xinqiao.web.paging import decode_cursor, next_cursor
from xinqiao.web.uploads import as_upload

DESCRIPTION = (
    "中小企业融资信用服务省级节点接口。错误一律为 RFC 9457 problem+json，含 code、clause、next_step。\n\n"
    "Provincial node of the SME financing credit network. Every error is RFC 9457 problem+json with code, clause and "
    "next_step; texts are in Chinese, or in English with `Accept-Language: en`."
)


class MachineAccess(AuthBase):
    """A token bound to a key, with a proof of that key for this very call."""

    openapi_type = "oauth2"
    openapi_description = (
        "FAPI 2.0: client authentication by private_key_jwt; access tokens bound by DPoP (RFC 9449). Send "
        "`Authorization: DPoP <token>` and a fresh `DPoP` proof with the server's nonce; `Bearer` is refused. Scopes "
        "`deliver`, `accesses`, `authorisations`, `credit:public`, and `credit:<purpose>` for a report. "
        "Metadata: /.well-known/oauth-authorization-server"
    )
    openapi_flows = {
        "clientCredentials": {"tokenUrl": "/oauth/token", "scopes": {}},
        "authorizationCode": {"authorizationUrl": "/oauth/authorise", "tokenUrl": "/oauth/token", "scopes": {}},
    }

    def __call__(self, request: HttpRequest) -> OrganisationFacts:
        """The organisation of the token; raises InvalidToken, InvalidProof, NonceNeeded."""
        request.token = token_of(request)  # type: ignore[attr-defined]
        return request.token.organisation  # type: ignore[attr-defined, no-any-return]


class Api(NinjaAPI):
    """The API, described as it answers: refusals are problem documents, not plain JSON."""

    def get_openapi_schema(self, *, path_prefix: str | None = None, path_params: Any = None) -> Any:
        """The OpenAPI document. Making one takes most of a second, and it changes only with the program."""
        return _described(self, self.get_root_path(path_params or {}) if path_prefix is None else path_prefix)

    def describe(self, path_prefix: str) -> Any:
        """The OpenAPI document of the API under that address."""
        document = super().get_openapi_schema(path_prefix=path_prefix)
        for operations in document["paths"].values():
            for operation in operations.values():
                for status, answer in operation["responses"].items():
                    if int(status) >= 400:
                        answer["content"] = {MEDIA_TYPE: answer["content"]["application/json"]}
        return document


@lru_cache(maxsize=4)
def _described(described: Api, path_prefix: str) -> Any:
    return described.describe(path_prefix)


api = Api(
    title="Xinqiao",
    version="1.0.0",
    auth=MachineAccess(),
    description=DESCRIPTION,
)
install(api)
api.add_router("/authorisation-requests", authorisations.router)
api.add_router("/daybooks", daybooks.router)
api.add_router("/webhooks", notices.router)
api.add_router("/federation", federation.router)
api.add_router("/financing", lending.router)
api.add_router("/monitoring", monitoring.router)
api.add_router("/disputes", disputes.router)
api.add_router("/corrections", corrections.router)
api.add_router("/proceedings", proceedings.router)


def _delivery(outcome: Outcome) -> dict[str, Any]:
    return schemas.DeliveryOut.from_orm(outcome).dict()


def _access(access: Access) -> dict[str, Any]:
    return {name: getattr(access, name) for name in schemas.AccessOut.model_fields}


@api.get("/catalogue", response={200: list[schemas.ItemOut]}, auth=None, tags=["catalogue"])
def catalogue(request: HttpRequest) -> list[dict[str, Any]]:
    """The sharing list: every item with the JSON schema of its rows."""
    return [described(item) for item in current_list()]


@api.get(
    "/catalogue/{code}", response={200: schemas.ItemOut, 404: schemas.ProblemDocument}, auth=None, tags=["catalogue"]
)
def catalogue_item(request: HttpRequest, code: str) -> dict[str, Any]:
    """One item of the sharing list, by code or list code."""
    return described(current_list().item(code))


@api.post("/deliveries", response={201: schemas.DeliveryOut, **PROBLEMS}, tags=["deliveries"])
def deliver(request: HttpRequest, body: schemas.DeliveryRows, key: Key) -> HttpResponse:
    """Deliver rows of an item as JSON. Departments only."""
    caller = caller_of(request, OrganisationKind.DEPARTMENT, scope="deliver")
    item = current_list().item(body.item)

    def act() -> tuple[int, Any]:
        outcome = receive_rows(item, body.rows, provider=caller.code, actor=program(request), now=timezone.now())
        return 201, _delivery(outcome)

    return answered_once(request, key, request.body, act)


@api.post("/deliveries/files", response={201: schemas.DeliveryOut, **PROBLEMS}, tags=["deliveries"])
def deliver_files(
    request: HttpRequest, item: Form[str], files: Annotated[list[UploadedFile], File()], key: Key
) -> HttpResponse:
    """Deliver files of an item (CSV in UTF-8 or GB18030, gzip, xlsx). Departments only."""
    caller = caller_of(request, OrganisationKind.DEPARTMENT, scope="deliver")
    found = current_list().item(item)
    uploads = [as_upload(f) for f in files]
    digests = "\n".join([item, *(upload.digest() for upload in uploads)]).encode()

    def act() -> tuple[int, Any]:
        outcome = receive(found, uploads, provider=caller.code, actor=program(request), now=timezone.now())
        return 201, _delivery(outcome)

    return answered_once(request, key, digests, act)


@api.get("/deliveries", response={200: list[schemas.DeliveryOut], **PROBLEMS}, tags=["deliveries"])
def deliveries(request: HttpRequest, item: Annotated[str | None, Query(max_length=60)] = None) -> list[dict[str, Any]]:
    """The caller's latest deliveries, newest first."""
    caller = caller_of(request, OrganisationKind.DEPARTMENT, scope="deliver")
    wanted = None if item is None else current_list().item(item).code
    return [_delivery(o) for o in list_deliveries(provider=caller.code, item=wanted, now=timezone.now(), limit=100)]


@api.get("/deliveries/{delivery}", response={200: schemas.DeliveryOut, **PROBLEMS}, tags=["deliveries"])
def delivery(request: HttpRequest, delivery: str) -> dict[str, Any]:
    """What became of one delivery."""
    caller = caller_of(request, OrganisationKind.DEPARTMENT, scope="deliver")
    return _delivery(get_outcome(delivery, provider=caller.code, now=timezone.now()))


@api.delete("/deliveries/{delivery}", response={200: schemas.DeliveryOut, **PROBLEMS}, tags=["deliveries"])
def undo(request: HttpRequest, delivery: str) -> dict[str, Any]:
    """Undo a delivery within 24 hours; what stood before it stands again."""
    caller = caller_of(request, OrganisationKind.DEPARTMENT, scope="deliver")
    return _delivery(undo_delivery(delivery, provider=caller.code, actor=program(request), now=timezone.now()))


@api.post("/reports", response={200: schemas.AnswerOut, **PROBLEMS}, tags=["reports"])
def report(request: HttpRequest, body: schemas.ReportQuery, key: Key) -> HttpResponse:
    """Read about an enterprise under its authorisation. A refusal says why, by which clause, and what to do."""
    code = parse_uscc(body.enterprise).code
    caller = caller_of(request, *RECIPIENTS, scope=_reads(body.purpose))
    authorisation = check_within(used_token(request), enterprise=code, authorisation=body.authorisation)
    inquiry = Inquiry(
        _reader(caller, body.hosted),
        code,
        body.purpose,
        ConsentForm(body.form),
        program(request),
        "api",
        items=tuple(body.items) if body.items is not None else None,
        authorisation=authorisation,
    )
    prepare(inquiry, now=timezone.now())
    # A read counts against the authorisation: the count and the kept answer must not be parted.
    # A kept answer must not outlive the authorisation: given again only while the gate would still give it.
    return answered_once(
        request,
        key,
        request.body,
        lambda: (200, _answer(query(inquiry, now=timezone.now()))),
        together=True,
        again=lambda kept: check_again(inquiry, answered=_named(kept), now=timezone.now()),
    )


def _named(kept: dict[str, Any]) -> list[str]:
    """The items in a kept answer."""
    return [block["item"] for block in kept["document"]["items"]]


@api.get("/enterprises", response={200: schemas.FoundOut, **PROBLEMS}, tags=["enterprises"])
def enterprises(request: HttpRequest, q: Annotated[str, Query(min_length=2, max_length=60)]) -> dict[str, Any]:
    """Find enterprises by a piece of the name, its initials, or the beginning of the code; at most 50."""
    caller = admitted(caller_of(request, *RECIPIENTS, scope="credit:public"))
    found = find(q.replace("\x00", ""), organisation=caller.code, actor=program(request), now=timezone.now())
    return {"rows": [asdict(entry) for entry in found.entries], "total": found.total}


@api.get("/enterprises/{uscc}/public", response={200: schemas.AnswerOut, **PROBLEMS}, tags=["reports"])
def public(request: HttpRequest, uscc: str, hosted: Annotated[str, Query(max_length=40)] = "") -> dict[str, Any]:
    """What is public by law about an enterprise; recorded and shown to it. `hosted`: the platform the caller hosts."""
    caller = caller_of(request, *RECIPIENTS, scope="credit:public")
    code = parse_uscc(uscc).code
    inquiry = Inquiry(
        _reader(caller, hosted), code, "public", ConsentForm.DETAIL, program(request), "api", public_only=True
    )
    return _answer(read(inquiry, now=timezone.now()))


def _reads(purpose: str) -> str:
    """The scope of a report of that purpose; raises BeyondCeiling for one the template does not have."""
    check_purpose(get_template(), purpose)
    return f"credit:{purpose}"


def _reader(caller: OrganisationFacts, hosted: str) -> Recipient:
    """Who receives: the caller, or the platform that it hosts and names; raises NotHosted."""
    found = next((o for o in list_organisations(kind=OrganisationKind.PLATFORM) if o.code == hosted), None)
    if hosted and (found is None or found.via != caller.code):
        raise NotHosted(organisation=hosted)
    return Recipient.of(found or caller)


def _answer(answer: Answer) -> dict[str, Any]:
    shown = {part: dict(answer.disclosure[part]) for part in SHOWN_PARTS}
    document = marked(answer.document, answer.access.id)
    return {"access": answer.access.id, "document": document, "receipt": answer.receipt, "disclosure": shown}


@api.get("/accesses", response={200: schemas.AccessPage, **PROBLEMS}, tags=["accesses"])
def accesses(
    request: HttpRequest,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> dict[str, Any]:
    """The caller's reads and refusals, newest first."""
    caller = caller_of(request, *RECIPIENTS, scope="accesses")
    before = None if cursor is None else decode_cursor(cursor)
    rows = list_accesses(recipient=caller.code, before=before, limit=limit + 1)
    return {"rows": [_access(row) for row in rows[:limit]], "next": next_cursor(rows, limit)}


@api.get("/accesses/{access}/receipt", response={200: schemas.ReceiptOut, **PROBLEMS}, tags=["accesses"])
def access_receipt(request: HttpRequest, access: str) -> HttpResponse:
    """The evidence receipt of one access, with its inclusion proof once the log has taken it in."""
    caller = caller_of(request, *RECIPIENTS, scope="accesses")
    found = receipt(get_access(access, recipient=caller.code).entry)
    return HttpResponse(receipt_as_json(found), content_type="application/json")
