"""Sharing (共享清单版本): which version of the sharing list is in force, now and at any time before.

Serves the provincial list of what is shared, by whom, how and by when: every version is kept whole, signed, and named
by the digest of its files, so that an authorisation can always be read beside the list it was given under. Everything
that shows, takes in or computes reads :func:`xinqiao.sharing.queries.current_list`, so a change counts everywhere at
once. Verbs: put in force, adopt the content's list on a node that has none.
"""
