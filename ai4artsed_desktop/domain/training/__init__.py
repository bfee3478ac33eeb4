"""LoRA training with Kohya's sd-scripts: families, plans, options, the dataset's rules and the trainer's log. Pure."""
