"""Every page: accessible, narrow enough for a phone, light, in both languages, with large print."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.journeys.conftest import FIRM, ROOT, Person, picture

pytestmark = pytest.mark.journey

MATCHING = ["/node/matching/", "/node/subjects/", f"/node/subjects/?code={FIRM}"]
PAGES = {
    "": [
        "/",
        "/sign-in/",
        "/catalogue/",
        "/catalogue/E01/",
        "/guideline/",
        "/evidence/",
        "/docs/errors",
        "/members/",
        "/products/",
        "/statistics/",
        "/violations/",
    ],
    "owner": [
        "/enterprise/",
        "/enterprise/report/",
        "/enterprise/authorisations/",
        "/enterprise/accesses/",
        "/enterprise/notices/",
        "/enterprise/sanctions/",
        "/enterprise/proceedings/",
        "/enterprise/disputes/",
        "/enterprise/disputes/new/?item=registration.basic",
        "/enterprise/repairs/",
        "/enterprise/financing/",
        "/enterprise/applications/",
    ],
    "banker": [
        "/institution/",
        "/institution/find/",
        f"/institution/enterprises/{FIRM}/",
        f"/institution/enterprises/{FIRM}/ask/",
        "/institution/requests/",
        "/institution/accesses/",
        "/institution/admission/",
        "/institution/admission/security/",
        "/institution/products/",
        "/institution/products/new/",
        "/institution/applications/",
        "/institution/loans/",
        "/institution/models/",
        "/institution/reconciliation/",
        "/institution/disputes/",
        "/institution/corrections/",
        "/institution/proceedings/",
        "/institution/violations/",
    ],
    "registry": [
        "/department/",
        "/department/upload/registration.basic/",
        "/department/deliveries/",
        "/department/quality/",
        "/department/findings/",
        "/department/matching/",
        "/department/disputes/",
        "/department/repairs/",
    ],
    "judge": ["/judicial/", "/judicial/cases/", "/judicial/proceedings/"],
    "operator": [
        "/node/",
        "/node/sources/",
        "/node/runs/",
        "/node/models/",
        "/node/accesses/",
        "/node/supply/",
        "/node/quality/",
        "/node/findings/",
        "/node/admission/",
        "/node/admission/bank-demo/",
        "/node/financing/",
        "/node/effectiveness/",
        "/node/effectiveness/official/",
        "/node/reconciliation/",
        "/node/disputes/",
        "/node/repairs/",
        "/node/sanctions/",
        "/node/proceedings/",
        "/node/tracing/",
        "/node/violations/",
        *MATCHING,
    ],
}
SERIOUS = ("serious", "critical")


@pytest.mark.parametrize("username", PAGES)
@pytest.mark.parametrize("variant", ["zh", "en", "care"])
def test_accessible(person: Callable[..., Person], username: str, variant: str) -> None:
    visitor = person(javascript=True)
    page = visitor.sign_in(username) if username else visitor.page
    page.goto("/catalogue/")
    if variant == "en":
        page.click("text=English")
    if variant == "care":
        page.click("text=关怀版")
        page.wait_for_selector("html.care")  # the page comes anew after the click
    faults = []
    for path in PAGES[username]:
        page.goto(path)
        for violation in Axe().run(page).response["violations"]:
            if violation["impact"] in SERIOUS:
                faults.append((path, violation["id"], violation["nodes"][0]["html"][:120]))
    assert faults == []


@pytest.mark.parametrize("username", PAGES)
def test_no_sideways_scrolling_on_a_phone(person: Callable[..., Person], username: str) -> None:
    visitor = person(javascript=True, width=360)
    page = visitor.sign_in(username) if username else visitor.page
    for path in PAGES[username]:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path


def test_light_enough_for_a_slow_line(person: Callable[..., Person]) -> None:
    visitor = person()
    sizes: dict[str, int] = {}
    visitor.page.on("response", lambda r: sizes.__setitem__(r.url, len(r.body())) if r.status == 200 else None)
    visitor.page.goto("/guideline/")
    assert sum(sizes.values()) < 200_000
    assert sum(n for url, n in sizes.items() if url.endswith(".css")) < 40_000
    assert not [url for url in sizes if url.endswith(".js")], "no script is needed"


def test_the_style_sheet_keeps_to_chromium_90() -> None:
    css = (ROOT / "xinqiao" / "web" / "static" / "web" / "app.css").read_text("utf-8")
    for word in (":has(", "@layer", "@container", "dvh", "color-mix", "popover"):
        assert word not in css


def test_pictures_for_the_manual(person: Callable[..., Person]) -> None:
    visitor = person()
    visitor.page.goto("/")
    assert picture(visitor.page, "home").stat().st_size > 10_000
    visitor.page.goto("/guideline/")
    assert picture(visitor.page, "guideline").stat().st_size > 10_000
