"""A source in database mode: ``python -m tests.exchange.database FILE``; puts rows into its tables as it is told.

Every line of its input is a JSON list of ``[item, row]``; they are committed together, numbered in order.
"""

from __future__ import annotations

import json
import sqlite3
import sys

if __name__ == "__main__":
    database = sqlite3.connect(sys.argv[1], isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("CREATE TABLE exchange_out (seq INTEGER PRIMARY KEY AUTOINCREMENT, item TEXT, row_json TEXT)")
    columns = "first_seq INTEGER, last_seq INTEGER, item TEXT, delivery TEXT, accepted INTEGER, returned INTEGER"
    database.execute(f"CREATE TABLE exchange_receipt ({columns})")
    print("ready", flush=True)
    for line in sys.stdin:
        rows = [(item, json.dumps(row, ensure_ascii=False)) for item, row in json.loads(line)]
        database.execute("BEGIN")
        database.executemany("INSERT INTO exchange_out (item, row_json) VALUES (?, ?)", rows)
        database.execute("COMMIT")
        print(len(rows), flush=True)
