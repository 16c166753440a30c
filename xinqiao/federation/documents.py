"""What goes down: the sharing list in force and the evaluation guideline, as documents of this node."""

from __future__ import annotations

from datetime import date

from xinqiao.catalogue.schema import described
from xinqiao.catalogue.types import Catalogue
from xinqiao.evaluation.queries import get_guideline
from xinqiao.federation.types import Draft
from xinqiao.sharing.queries import current_list, version_in_force


def list_in_force() -> Catalogue:
    """The sharing list in force at this node. Everything here that asks for the list asks this function."""
    return current_list()


def sharing_list() -> Draft:
    """The sharing list in force as a document."""
    found = list_in_force()
    items = [{**described(item), "due": f"{item.due.period}+{item.due.days}d", "draft": item.draft} for item in found]
    held = version_in_force()
    version = str(held.number) if held else found.sha256[:12]
    body = {"list_sha256": found.sha256, "version": version, "document": {"items": items}}
    return Draft("catalogue", "sharing_list", body)


def listed_items() -> frozenset[str]:
    """Codes of the items on the list in force."""
    return frozenset(item.code for item in list_in_force())


def evaluation_guideline(on: date) -> Draft:
    """The evaluation guideline in force on a day, as published."""
    found = get_guideline(on=on)
    body = {"code": found["code"], "version": found["version"], "scorecard_sha256": found["scorecard_sha256"]}
    return Draft("guideline", found["code"], {**body, "document": found})
