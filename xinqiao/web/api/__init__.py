"""API: versioned JSON over HTTP."""
