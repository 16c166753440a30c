"""Tools of the repository itself: set-up, messages, tables."""
