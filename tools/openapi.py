"""Writes the API's description to ``tests/golden/openapi.json``: ``python -m tools.openapi``. A test keeps it fresh."""

from __future__ import annotations

import json
import os
from pathlib import Path

import django

PATH = Path(__file__).resolve().parents[1] / "tests" / "golden" / "openapi.json"


def openapi_text() -> str:
    """The OpenAPI 3.1 document as it is served, in a stable spelling."""
    from xinqiao.web.api.v1.endpoints import api

    document = json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/v1/"), default=str))
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def main() -> None:
    """Write the file."""
    django.setup()
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(openapi_text(), "utf-8")
    print(PATH)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xinqiao.config.settings")
    main()
