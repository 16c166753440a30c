"""Credit repair (信用修复): a record of dishonesty stops being published, shared and used once its conditions are met.

Serves 信用修复管理办法 (2025年国家发展改革委令第36号, in force since 2026-04-01): three classes with a shortest and a
longest term, repair by whoever determined the dishonesty, publication, sharing and use stopped together. Verbs:
``apply``, ``grant``, ``refuse``, ``take_back``; ``end_terms`` stops what has reached its longest term.
"""
