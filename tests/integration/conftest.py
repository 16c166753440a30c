"""What several of the integration tests begin with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kept import laid_down
from tests.market import Market, open_market


@pytest.fixture
def market(fresh_node: Path) -> Market:
    """Thirty evaluated firms, one with its owner, and four admitted banks with a product each."""
    return laid_down(open_market, fresh_node)
