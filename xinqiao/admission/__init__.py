"""Admission (接入管理): platforms and institutions come in by proof, stay by proof, and leave in order.

Serves "security assessment and authorisation assessment, in and out" (省级实施方案：有进有出), one platform per place
(国办发〔2024〕15号), and the route through the provincial platform for those that fail the technical bar.
Verbs: apply, assess, decide (two people), watch, suspend, restore, remove, attest deletion.
"""
