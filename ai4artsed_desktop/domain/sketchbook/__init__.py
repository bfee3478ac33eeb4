"""The Sketchbook: a generative grammar from words to p5.js drawings and Tone.js pieces.

Code art composed by rules, not by a model, and labelled so wherever it appears.

    text + seed → ``reading`` (what the words say) → ``palettes`` (colours), ``stage`` (where things stand)
                → ``drawings`` or ``music`` (ONE FILE PER FAMILY) → JavaScript that a learner can read and edit
"""
