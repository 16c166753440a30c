"""Ingest (归集): receive a department's file, check it, accept the good rows, return the rest with reasons.

Serves "who produces provides and answers": every delivered row is accounted for, accepted + returned =
delivered; an empty delivery never removes what stands; a delivery can be undone for 24 hours.
Verbs: receive, undo, retract, annotate.
"""
