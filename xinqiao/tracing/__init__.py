"""Leak tracing (副本溯源): every answer carries an unseen mark of its read, and a found copy names its read.

``mark_of`` and ``marked`` give the marks that pages and the API put in; ``trace_copy`` reads them back from text, HTML,
PDF or JSON, ``open_leak_case`` enters what was found into the violation register (省级实施方案：监管).
"""
