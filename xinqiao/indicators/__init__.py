"""Indicators (指标): written once as a column expression, run over the province or over one enterprise.

An author imports ``indicator``, ``derived``, ``peer``, ``Row``, ``AsOf`` and ``Measure`` from here, and ``cross_rule``
and ``Severity`` for a rule across items; nothing else is needed. This is the only context that knows Spark: Sail in the
process by default, a cluster by XINQIAO_SPARK.
"""

from xinqiao.indicators.authoring import AsOf, Row, derived, indicator, peer
from xinqiao.indicators.crossing import cross_rule
from xinqiao.indicators.types import Measure, Severity

__all__ = ["AsOf", "Measure", "Row", "Severity", "cross_rule", "derived", "indicator", "peer"]
