"""Catalogue (共享清单): what is shared, by whom, how and by when.

Serves the provincial sharing list: each item names its content, method, responsible department and
deadline. One TOML file declares an item; checks, storage schema, upload template, dictionary page, consent
wording, API schema and sample rows are derived from it, never written twice. Pure.
"""
