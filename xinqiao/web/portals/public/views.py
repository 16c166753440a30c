"""Public pages: nothing here needs a sign-in, nothing here shows an enterprise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from xinqiao.anchoring.queries import list_anchors
from xinqiao.catalogue.schema import consent_wording
from xinqiao.catalogue.template import hint, xlsx_template
from xinqiao.evaluation.compute import facts_by_code
from xinqiao.evaluation.guideline import as_markdown
from xinqiao.evaluation.queries import get_guideline, get_scorecard, indicator_coverage
from xinqiao.evidence.queries import log_status
from xinqiao.kernel.errors import XinqiaoError
from xinqiao.plumbing.settings import evidence_dir
from xinqiao.sharing.queries import current_list, version_in_force
from xinqiao.web.access import current_actor, public
from xinqiao.web.context import home_of
from xinqiao.web.signing import next_page

# What of the log's folder anybody may read.
PUBLISHED = {(name,) for name in ("tile", "keys", "documents", "stamps", "anchors", "policy", "policy.gm")}
PUBLISHED |= {("vkey",), ("vkey.gm",), ("checkpoint",), ("checkpoint.cosigned",)}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@public
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """What can be done here, by role; a signed-in person goes to their own portal."""
    actor = current_actor(request)
    if actor:
        return redirect(home_of(actor.membership))
    if request.user.is_authenticated:
        return redirect("choose")
    return render(request, "public/home.html")


@public
@require_POST
def care(request: HttpRequest) -> HttpResponse:
    """Switch between the standard and the large-print version; page and language stay."""
    answer = redirect(next_page(request))
    answer.set_cookie("care", "0" if request.COOKIES.get("care") == "1" else "1", max_age=31_536_000, samesite="Lax")
    return answer


@public
@require_GET
def catalogue(request: HttpRequest) -> HttpResponse:
    """The sharing list: every item with its content, method, department and deadline."""
    return render(request, "public/catalogue.html", {"catalogue": current_list(), "version": version_in_force()})


@public
@require_GET
def item(request: HttpRequest, code: str) -> HttpResponse:
    """The dictionary page of an item, derived from its declaration."""
    found = current_list().item(code)
    english = request.LANGUAGE_CODE == "en"  # type: ignore[attr-defined]
    wording = consent_wording(found, english=english)
    fields = [(f, hint(f)) for f in found.fields]
    return render(request, "public/item.html", {"item": found, "fields": fields, "wording": wording})


@public
@require_GET
def template(request: HttpRequest, code: str) -> HttpResponse:
    """The upload template of an item."""
    found = current_list().item(code)
    answer = HttpResponse(xlsx_template(found), content_type=XLSX)
    answer["Content-Disposition"] = f'attachment; filename="{found.code}.xlsx"'
    return answer


@public
@require_GET
def guideline(request: HttpRequest) -> HttpResponse:
    """The published indicator system: every indicator, its points and bands, its basis."""
    card = get_scorecard(on=timezone.localdate())
    context = {"card": card, "facts": facts_by_code(), "coverage": indicator_coverage(card)}
    context["calibration"] = get_guideline(on=timezone.localdate())["calibration"]
    return render(request, "public/guideline.html", context)


@public
@require_GET
def guideline_file(request: HttpRequest, form: str) -> HttpResponse:
    """The guideline in force as platforms receive it (JSON), or as one page of Markdown."""
    document = get_guideline(on=timezone.localdate())
    if form == "md":
        return HttpResponse(as_markdown(document), content_type="text/markdown; charset=utf-8")
    return JsonResponse(document, json_dumps_params={"ensure_ascii": False})


@public
@require_GET
def errors(request: HttpRequest) -> HttpResponse:
    """Every error with its code, clause and next step: where the ``type`` of a problem document leads."""
    leaves = sorted(_leaves(XinqiaoError), key=lambda leaf: leaf.code)
    return render(request, "public/errors.html", {"leaves": leaves})


def _leaves(parent: type[XinqiaoError]) -> Iterator[type[XinqiaoError]]:
    for child in parent.__subclasses__():
        yield child
        yield from _leaves(child)


@public
@require_GET
def evidence(request: HttpRequest) -> HttpResponse:
    """The public log: its checkpoint, its key, its anchors, and how to verify it without this system."""
    context = {"status": log_status(), "anchors": [a for a in list_anchors(limit=12) if a.document]}
    return render(request, "public/evidence.html", context)


@public
@require_GET
def log_file(request: HttpRequest, path: str) -> HttpResponse:
    """A file of the public log (checkpoints, keys, policy, tiles, time stamps), for anybody who verifies it."""
    root = evidence_dir().resolve()
    wanted = (root / path).resolve()
    if not wanted.is_relative_to(root) or not _is_public(wanted.relative_to(root)) or not wanted.is_file():
        raise Http404
    binary = path.startswith("tile") or wanted.suffix in (".tsq", ".tsr")
    return FileResponse(wanted.open("rb"), content_type="application/octet-stream" if binary else "text/plain")


def _is_public(path: Path) -> bool:
    return path.parts[:1] in PUBLISHED and not path.name.startswith(".")
