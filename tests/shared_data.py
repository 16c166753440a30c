"""Where the data sets lie that tests may read but the repository does not carry."""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared_data(*parts: str) -> Path:
    """The file or folder ``../shared/data/<parts>``; skips the calling test when it is absent."""
    path = FOLDER.joinpath(*parts)
    if not path.exists():
        name = "/".join(parts)
        pytest.skip(f"needs the shared data set {name!r} (../shared/data/{name}), which is not here")
    return path
