"""Indicators (指标): written once as a column expression, run over the province or over one enterprise.

An author imports ``indicator``, ``derived``, ``peer``, ``Row``, ``AsOf`` and ``Measure`` from here; nothing else is
needed. This is the only context that knows Spark: Sail in the process by default, a cluster by XINQIAO_SPARK.
"""

from xinqiao.indicators.authoring import AsOf, Row, derived, indicator, peer
from xinqiao.indicators.types import Measure

__all__ = ["AsOf", "Measure", "Row", "derived", "indicator", "peer"]
