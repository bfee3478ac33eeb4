"""List models behind the views."""
