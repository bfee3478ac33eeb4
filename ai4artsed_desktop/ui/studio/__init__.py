"""The Studio page: the programs beside this one, the graphics card, the models."""
