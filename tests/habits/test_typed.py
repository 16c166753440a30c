"""Pure modules are checked by mypy --strict, the new ones too."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_rules_and_types_file_is_under_strict_checking() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["mypy"]
    assert config["strict"] is True
    pure = {str(p.relative_to(ROOT)) for name in ("rules", "types") for p in ROOT.glob(f"xinqiao/*/{name}.py")}
    assert {p for p in pure if not any(p.startswith(f) for f in config["files"])} == set()
