"""Judicial portal: check evidence that a party handed in, by the same checks that run without this node."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from xinqiao.evidence.bundles import verify_bundle
from xinqiao.evidence.queries import log_status
from xinqiao.evidence.verify import verify_receipt
from xinqiao.judicial.container import is_package
from xinqiao.judicial.queries import node_trust
from xinqiao.judicial.types import Suite
from xinqiao.judicial.verifying import document_of, verify_package
from xinqiao.parties.types import Role
from xinqiao.web.access import Acting, Portal, posted, requires
from xinqiao.web.words import is_english

LARGEST = 32 * 2**20


@requires(Portal.JUDICIAL, Role.MAGISTRATE, Role.OPERATOR, readers=(Role.AUDITOR, Role.ADMINISTRATOR, Role.SECURITY))
@require_http_methods(["GET", "POST"])
def home(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """A receipt, an enterprise's bundle or a package: whether it is what the log holds, and what is wrong if not."""
    status = log_status()
    context: dict[str, Any] = {"status": status, "suites": Suite}
    upload, beside = request.FILES.get("file"), request.FILES.get("receipt")
    if upload is not None and upload.size <= LARGEST and (beside is None or beside.size <= LARGEST):
        data = upload.read()
        context["name"] = upload.name
        if is_package(data):
            context |= _package(data, beside.read() if beside else None, posted(request, "broken", most=10))
        else:
            context |= _older(data, status.vkey)
    elif request.method == "POST":
        context["missing"] = True
    return render(request, "judicial/home.html", context)


def _package(data: bytes, receipt: bytes | None, broken: str) -> dict[str, Any]:
    """Each check of a package as a sentence, and what the package says to what a court reviews."""
    aside = Suite(broken) if broken in set(Suite) else None
    verdict = verify_package(data, whole=receipt, trust=node_trust(), broken=aside)
    checks = [(check, check.text("en" if is_english() else "zh")) for check in verdict.checks]
    told = document_of(data) if verdict.ok else {}
    return {"package": verdict, "checks": checks, "review": told.get("review", []), "broken": broken}


def _older(data: bytes, vkey: str) -> dict[str, Any]:
    """A receipt of one entry, or an enterprise's bundle of accesses."""
    is_bundle = data[:2] == b"PK"
    verdict = verify_bundle(data, vkeys=[vkey]) if is_bundle else verify_receipt(data, vkey)
    found = [finding.text("en" if is_english() else "zh") for finding in verdict.findings]
    return {"verdict": verdict, "findings": found, "is_bundle": is_bundle}
