"""Parts of the lens lab."""
