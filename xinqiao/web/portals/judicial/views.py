"""Judicial portal: check evidence that a party handed in, by the same checks that run without this node."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from xinqiao.evidence.bundles import verify_bundle
from xinqiao.evidence.queries import log_status
from xinqiao.evidence.verify import verify_receipt
from xinqiao.parties.types import Role
from xinqiao.web.access import Acting, Portal, requires

LARGEST = 32 * 2**20


@requires(Portal.JUDICIAL, Role.MAGISTRATE, Role.OPERATOR, readers=(Role.AUDITOR, Role.ADMINISTRATOR, Role.SECURITY))
@require_http_methods(["GET", "POST"])
def home(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """A receipt or an enterprise's bundle: whether it is what the log holds, and what is wrong if not."""
    status = log_status()
    context: dict[str, Any] = {"status": status}
    upload = request.FILES.get("file")
    if upload is not None and upload.size <= LARGEST:
        data = upload.read()
        is_bundle = data[:2] == b"PK"
        verdict = verify_bundle(data, vkeys=[status.vkey]) if is_bundle else verify_receipt(data, status.vkey)
        english = request.LANGUAGE_CODE == "en"  # type: ignore[attr-defined]
        found = [f.text("en" if english else "zh") for f in verdict.findings]
        context |= {"name": upload.name, "verdict": verdict, "findings": found, "is_bundle": is_bundle}
    elif request.method == "POST":
        context["missing"] = True
    return render(request, "judicial/home.html", context)
