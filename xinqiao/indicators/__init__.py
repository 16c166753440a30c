"""Indicators (指标): written once as a column expression, run over the province or over one enterprise.

An author imports ``indicator``, ``Row`` and ``AsOf`` from here; nothing else of the engine is needed. This is
the only context that knows Spark: Sail in the process by default, a cluster when XINQIAO_SPARK names one.
"""

from xinqiao.indicators.authoring import AsOf, Row, indicator

__all__ = ["AsOf", "Row", "indicator"]
