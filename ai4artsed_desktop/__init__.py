"""AI4ArtsEd Desktop: from an idea to pictures, sound and code art on your own computer."""

__version__ = "0.1.0"
