"""Kernel: identifiers, working days, money, canonical JSON, errors. Pure; imports nothing of ours."""
