"""The half of the safety gate that needs no model: what a text says under its disguises, and which terms are in it."""
