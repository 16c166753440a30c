"""Products of the demonstration's institutions, so that an enterprise has something to be held against."""

from __future__ import annotations

import tomllib
from datetime import datetime

from xinqiao.matching.actions import publish_product
from xinqiao.matching.queries import list_products
from xinqiao.plumbing.settings import content_dir

ACTOR = "system:demo"
FILE = "sample_products.toml"


def ensure_products(*, now: datetime) -> int:
    """Publish the sample products of institutions that have none yet; returns how many were published."""
    path = content_dir() / FILE
    if not path.exists():
        return 0
    have = {one.institution for one in list_products(admitted=False)}
    wanted = [dict(row) for row in tomllib.loads(path.read_text("utf-8"))["products"]]
    made = 0
    for row in wanted:
        institution = row.pop("institution")
        if institution not in have:
            raw = {"offered_from": f"{now.year}-01-01", "windows": []} | row
            publish_product(raw, institution=institution, actor=ACTOR, now=now)
            made += 1
    return made
