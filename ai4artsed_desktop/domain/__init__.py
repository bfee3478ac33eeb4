"""Schemas, events, errors and pure functions. No input, no output, no Qt."""
