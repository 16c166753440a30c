"""Plumbing: typed settings, the job queue and model bases. Knows Django, knows no business."""
