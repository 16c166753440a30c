"""Sanctions (失信惩戒): malicious debt evasion as determined by law, entered only from a determination document.

``enter`` with the document, ``notify``, the enterprise's ``give_statement`` or its lapse, ``approve`` by another. While
in force it is a row of the sharing list that a veto of the scorecard reads; ``lift``, ``annul`` or expiry take the row
back (省级实施方案：恶意逃废债一经认定依法惩戒；国办发〔2020〕49号).
"""
