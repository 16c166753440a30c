"""Corrections (更正告知): whoever was told what is now known to be wrong, or may no longer be used, is found and told.

Serves 征信业管理条例 art. 25 by analogy, the plan's clause on the handling of objections (省级实施方案：异议处理), and
the stop of sharing and use that follows a credit repair. Verbs: ``start_correction`` in the transaction of a change,
``ripple_waiting`` finds and tells everybody, ``acknowledge`` is a recipient's word that it knows.
"""
