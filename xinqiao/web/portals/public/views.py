"""Public pages: nothing here needs a sign-in, nothing here shows an enterprise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.contrib import messages
from django.contrib.auth import authenticate, login, logout
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xinqiao.catalogue.load import load_catalogue
from xinqiao.catalogue.schema import consent_wording
from xinqiao.catalogue.template import hint, xlsx_template
from xinqiao.evaluation.compute import facts_by_code
from xinqiao.evaluation.guideline import as_markdown
from xinqiao.evaluation.queries import get_guideline, get_scorecard, indicator_coverage
from xinqiao.evidence.queries import log_status
from xinqiao.kernel.errors import XinqiaoError
from xinqiao.parties.queries import list_memberships
from xinqiao.plumbing.settings import content_dir, evidence_dir
from xinqiao.web.access import KINDS, SESSION_KEY, Portal, current_actor, posted, public

# What of the log's folder anybody may read.
PUBLISHED = {(name,) for name in ("tile", "keys", "documents", "stamps", "policy", "policy.gm", "vkey", "vkey.gm")}
PUBLISHED |= {("checkpoint",), ("checkpoint.cosigned",)}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _next(request: HttpRequest) -> str:
    """Where to go afterwards: only ever a page of this site."""
    target = request.POST.get("next") or request.GET.get("next") or "/"
    return target if url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}) else "/"


@public
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """What can be done here, by role; a signed-in person goes to their own portal."""
    actor = current_actor(request)
    if actor:
        return redirect(f"{actor.portal}-home")
    if request.user.is_authenticated:
        return redirect("choose")
    return render(request, "public/home.html")


@public
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """User name and password; the answer never says which of the two was wrong."""
    username = posted(request, "username").strip()
    if request.method == "POST":
        user = authenticate(request, username=username, password=request.POST.get("password", ""))
        if user is not None:
            login(request, user)
            return redirect(_next(request))
    failed = request.method == "POST"
    context = {"username": username, "failed": failed, "next": _next(request)}
    return render(request, "public/sign_in.html", context, status=401 if failed else 200)


@public
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return redirect("home")


@public
@require_http_methods(["GET", "POST"])
def choose(request: HttpRequest) -> HttpResponse:
    """For whom to act, when a person may act for several parties."""
    if not request.user.is_authenticated:
        return redirect("sign-in")
    memberships = list_memberships(request.user.pk, now=timezone.now())
    if request.method == "POST":
        chosen = request.POST.get("membership", "")
        found = next((m for m in memberships if str(m.id) == chosen), None)
        if found:
            request.session[SESSION_KEY] = found.id
            portal = KINDS[found.organisation.kind] if found.organisation else Portal.ENTERPRISE
            return redirect(f"{portal}-home")
        messages.error(request, _("请选择一个身份"), extra_tags="risk")
    return render(request, "public/choose.html", {"memberships": memberships})


@public
@require_POST
def care(request: HttpRequest) -> HttpResponse:
    """Switch between the standard and the large-print version; page and language stay."""
    answer = redirect(_next(request))
    answer.set_cookie("care", "0" if request.COOKIES.get("care") == "1" else "1", max_age=31_536_000, samesite="Lax")
    return answer


@public
@require_GET
def catalogue(request: HttpRequest) -> HttpResponse:
    """The sharing list: every item with its content, method, department and deadline."""
    return render(request, "public/catalogue.html", {"catalogue": load_catalogue(content_dir())})


@public
@require_GET
def item(request: HttpRequest, code: str) -> HttpResponse:
    """The dictionary page of an item, derived from its declaration."""
    found = load_catalogue(content_dir()).item(code)
    english = request.LANGUAGE_CODE == "en"  # type: ignore[attr-defined]
    wording = consent_wording(found, english=english)
    fields = [(f, hint(f)) for f in found.fields]
    return render(request, "public/item.html", {"item": found, "fields": fields, "wording": wording})


@public
@require_GET
def template(request: HttpRequest, code: str) -> HttpResponse:
    """The upload template of an item."""
    found = load_catalogue(content_dir()).item(code)
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
    """The public log: its checkpoint, its key, and how to verify it without this system."""
    return render(request, "public/evidence.html", {"status": log_status()})


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
