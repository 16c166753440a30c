"""Retention (保存期限): what is deleted at the end of its term, and what is kept, by rules of the content.

Serves 征信业管理条例 art. 16: bad information about a person is kept five years from the end of the conduct, then
deleted. An individual business is a natural person. Logs and authorisations are kept: they hold salted digests only.
Verbs: ``delete_expired_records``. One subject is erased by ``vault.erase_subject``; the log stays verifiable.
"""
