"""How bodies are spoken to."""
