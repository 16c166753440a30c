"""Finding enterprises among 1.7 million and listing them by evaluated facts, each search and each page on record.

The whole province's registrations are delivered, evaluated and indexed the ordinary way. Searches are pieces of names
that exist, initials, beginnings of codes and a few texts that nearly every name holds; a page of a list is fifty
enterprises, each with its ledger line and evidence entry. The rival is DuckDB looking for the same pieces of names.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure, percentile
from benchmarks.node import ACTOR, SEED, database_name, fresh_node, last_month_end
from benchmarks.postgres import durable_postgres

NAME = "search_lists"
BAR = "search p95 at most 100 ms, list page p95 at most 300 ms, 1.7 million enterprises, PostgreSQL"
FIRMS = 1_700_000
SEARCHES, PAGES = 600, 120
SEARCH_MS, PAGE_MS = 100, 300
COMMON = ("公司", "有限公司", "商贸", "科技有限", "西安")


def measure(scale: float) -> Figure:
    """Deliver, evaluate, index; then search and page."""
    firms = max(5_000, int(FIRMS * scale))
    with durable_postgres() as url:
        os.environ["DATABASE_URL"] = url
        with fresh_node() as home:
            prepared = _prepare(home, firms)
            rng = random.Random(SEED)
            asked = list(_asked(rng, SEARCHES))
            searched = [_timed(lambda text=text: _search(text)) for _, text in asked]
            pages = [_timed(step) for step in _pages(rng)]
            rival = _rival(home, [text for kind, text in asked if kind == "name"])
            database = database_name()
    kinds = sorted({kind for kind, _ in asked})
    by_kind = {k: [t for (kind, _), t in zip(asked, searched, strict=True) if kind == k] for k in kinds}
    p95, page95 = 1000 * percentile(searched, 0.95), 1000 * percentile(pages, 0.95)
    return Figure(
        name=NAME,
        table=[
            ("what", "half of them ms", "95 % ms", "all ms"),
            *((f"search by {kind}", *_spread(times)) for kind, times in by_kind.items()),
            (f"page of a list, 50 evidence entries ({database})", *_spread(pages)),
            ("the same names by DuckDB LIKE", *_spread(rival)),
            *((what, f"{seconds:.0f} s", "", "") for what, seconds in prepared.items()),
        ],
        ours=f"search p95 {p95:.0f} ms, page p95 {page95:.0f} ms, {firms:,} enterprises",
        against=f"rival DuckDB LIKE p95 {1000 * percentile(rival, 0.95):.0f} ms",
        ratio=f"{percentile(rival, 0.95) / percentile(by_kind['name'], 0.95):.1f}",
        bar=BAR,
        met=p95 <= SEARCH_MS and page95 <= PAGE_MS,
        scale=scale,
    )


def _prepare(home: Path, firms: int) -> dict[str, float]:
    """How long each step took."""
    from django.utils import timezone

    from xinqiao.catalogue.load import load_catalogue
    from xinqiao.catalogue.sample.generate import generate
    from xinqiao.catalogue.types import Catalogue
    from xinqiao.directory.build import rebuild
    from xinqiao.evaluation.actions import run_evaluation
    from xinqiao.ingest.actions import Upload, receive
    from xinqiao.parties.actions import register_organisation
    from xinqiao.parties.types import OrganisationKind
    from xinqiao.plumbing.settings import content_dir
    from xinqiao.records.types import AsOf

    whole = load_catalogue(content_dir())
    item = whole.item("registration.basic")
    took: dict[str, float] = {}
    began = time.perf_counter()

    def lap(what: str) -> None:
        nonlocal began
        took[what] = time.perf_counter() - began
        began = time.perf_counter()

    alone = Catalogue((item,), whole.departments)
    generate(alone, home / "sample", firms=firms, seed=SEED, until=last_month_end(), content=content_dir())
    lap("registrations written")
    now = datetime.now(UTC)
    for path in sorted((home / "sample" / item.code).glob("*")):
        receive(item, [Upload(path.name, path.read_bytes())], provider=item.department.code, actor=ACTOR, now=now)
    lap("delivered")
    now = datetime.now(UTC)
    run_evaluation(AsOf(timezone.localdate(now), now), actor=ACTOR, now=now, progress=lambda _: None)
    lap("evaluated")
    rebuild(actor=ACTOR, now=now)
    lap("indexed")
    register_organisation("node", kind=OrganisationKind.NODE, name="Node", actor=ACTOR, now=now)
    return took


def _asked(rng: random.Random, count: int) -> Iterator[tuple[str, str]]:
    """Of ten searches six are pieces of a name, two initials, one a code, one a text that many names hold."""
    from xinqiao.directory.queries import _index

    table = _index().table
    for n in range(count):
        row = {c: table.column(c)[rng.randrange(table.num_rows)].as_py() for c in ("folded", "letters", "code")}
        if n % 10 < 6:
            start = rng.randrange(max(1, len(row["folded"]) - 4))
            yield "name", row["folded"][start : start + rng.randint(2, 6)].ljust(2, "公")
        elif n % 10 < 8:
            yield "initials", row["letters"][: rng.randint(4, 7)]
        elif n % 10 == 8:
            yield "code", row["code"][: rng.randint(8, 18)]
        else:
            yield "common text", rng.choice(COMMON)


def _search(text: str) -> Any:
    from xinqiao.directory.actions import find

    return find(text, organisation="bank-demo", actor="person:1", now=datetime.now(UTC))


def _pages(rng: random.Random) -> Iterator[Callable[[], Any]]:
    """First and later pages of lists with one to three filters."""
    from xinqiao.directory.actions import list_page
    from xinqiao.directory.queries import list_by_facts
    from xinqiao.directory.types import Facts
    from xinqiao.release.types import Recipient, RecipientKind

    node = Recipient(RecipientKind.NODE, "node", "Node")
    for _ in range(PAGES):
        facts = Facts(
            division=rng.choice(("", "6101", "6103", "610113")),
            industry=rng.choice(("", "C", "F51", "E")),
            score_to=rng.choice((None, 300, 150)),
        )
        after = ""
        for _ in range(rng.randint(0, 3)):
            after = list_by_facts(facts, after=after).after or after

        def step(facts: Facts = facts, after: str = after) -> Any:
            return list_page(facts, recipient=node, cause="x", actor=ACTOR, after=after, now=datetime.now(UTC))

        yield step


def _timed(step: Callable[[], Any]) -> float:
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


def _rival(home: Path, texts: list[str]) -> list[float]:
    """The same pieces of names by DuckDB over the same column, top fifty, shortest first."""
    import duckdb

    from xinqiao.directory.queries import _index

    names = _index().table.select(["code", "folded"])
    line = duckdb.connect()
    line.register("names", names)
    line.execute("CREATE TABLE firms AS SELECT * FROM names")
    query = "SELECT * FROM firms WHERE contains(folded, ?) ORDER BY length(folded), code LIMIT 50"
    return [_timed(lambda text=text: line.execute(query, [text]).fetchall()) for text in texts[:200]]


def _spread(times: list[float]) -> tuple[str, str, str]:
    return tuple(f"{1000 * percentile(times, share):.1f}" for share in (0.5, 0.95, 1.0))  # type: ignore[return-value]
