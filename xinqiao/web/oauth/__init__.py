"""The authorisation server's addresses: tokens for programs, and the enterprise's consent by redirect."""
