"""Sealing (密封): personal data is stored sealed, under a key of its own for each subject, and erased with that key.

Serves the Personal Information Protection Law (个人信息保护法), articles 47 and 51, and GB/T 39786 on keys. A master
key (in a token or a file) wraps one data key per subject: ``enterprise:<USCC>``, ``person:<number>``,
``delivery:<number>``. Verbs: seal, open, rotate, erase.
"""
