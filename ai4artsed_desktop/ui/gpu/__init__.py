"""The graphics card in the window: figures, plots, loaded models, questions."""
