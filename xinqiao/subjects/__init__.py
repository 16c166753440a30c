"""Subjects (主体库): who is who among enterprises, one subject per enterprise, whatever name or code it came with.

Serves the integration of what many departments deliver (归集整合): the register of current and former names and codes,
branches, conversions and moves is made of the registry's items and can be thrown away and made again. Identifiers
decide; a name alone gives candidates with a probability. Verbs: ``rebuild``, ``resolve``, ``find_candidates``.
"""
