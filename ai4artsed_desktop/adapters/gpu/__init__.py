"""GPU memory and load."""
