"""Records (信用数据库): the lake of credit records, append-only and bitemporal.

Serves the provincial SME financing credit service database. Rows lie in immutable Parquet files; a file counts
only once it is registered here, in the same transaction as its evidence entry. Nothing is updated in place.
Verbs: write, register, withdraw, compact, read one enterprise.
"""
