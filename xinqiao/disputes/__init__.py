"""Disputes (异议): an enterprise says that a record is wrong; who produced it checks, and it is put right everywhere.

Serves the plan's clause that platforms and institutions forward an objection to the node within two working days
(省级实施方案：异议申诉) and 征信业管理条例 arts. 16 and 25: mark, check, answer in writing, correct, attach the
subject's statement. Verbs: ``file_dispute``, ``receive_at`` and ``forward`` (through a platform or institution),
``find_wrong``, ``find_right``, ``leave_open``, ``ask_more``, ``supply``, ``withdraw``, ``reject``, ``ask_review``;
``dispatch`` tells everybody who was given what turned out to be wrong, ``acknowledge`` is their word that they know.
"""
