"""Public pages: home, sign-in, data dictionary, guideline, evidence log."""
