"""Directory of enterprises (企业名录): find by name, code or initials; lists by evaluated facts, counted first.

An index made of what the registry delivered and what the last run found; it can be thrown away and made again. Names
and codes are public by law; whoever sees evaluated facts of an enterprise in a list goes by the gate, and the
enterprise sees that it was listed. Verbs: ``rebuild``, ``find``, ``list_page``, ``export``.
"""
