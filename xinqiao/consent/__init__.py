"""Consent (授权): the enterprise's own authorisation, without which nothing non-public leaves the node.

Serves "no non-public information to platforms and no raw detail to institutions without the enterprise's
authorisation" (省级实施方案; 征信业管理条例, articles 18 and 20).
Verbs: request, decline, grant, withdraw, expire, use.

An authorisation names subject, signatory and power, recipient, purpose, items, form, period and times, the template
and its version, and the digest of the exact text that was shown.
"""
