"""Reconciliation (双方对账): what institutions say they received and used, held against what the node released.

Institutions hand in a signed day (``hand_in``), open the buckets that differ (``open_buckets``), and read which lines
differ; ``settle_days`` opens a case of the violation register where a day is missing or still differs after the time
to correct it. The day's form is the client library's, ``xinqiao.client.daybook`` (征信业管理条例 22 参照).
"""
