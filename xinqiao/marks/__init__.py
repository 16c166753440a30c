"""Marks (标注): what stands beside a record wherever it is shown: under objection, or the enterprise's own statement.

Serves 征信业管理条例 arts. 16 and 25: mark what is disputed, attach the subject's statement. A mark changes no record
and hides none. Verbs: ``set_mark``, ``lift_mark``; views as of any instant, so that an old answer can be made again.
"""
