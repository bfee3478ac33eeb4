"""One file per LLM API."""
