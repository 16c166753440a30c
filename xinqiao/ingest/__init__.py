"""Ingest (归集): receive a department's file, check it, accept the good rows, return the rest with reasons.

Serves "who produces provides and answers": every delivered row is accounted for, accepted + returned + waiting =
delivered; an empty delivery never removes what stands; a delivery can be undone for 24 hours. A row without a code is
settled by other identifiers, or by its name: at once where that is certain, else by a person; either can be undone.
Verbs: receive, undo, retract, annotate, attach, send back.
"""
