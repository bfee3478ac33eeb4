"""Historical text procedures as pure functions with a seed: ONE FILE PER PROCEDURE, found by discovery.

They are procedures, not AI, and are labelled so wherever they appear.
"""
