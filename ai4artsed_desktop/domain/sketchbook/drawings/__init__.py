"""Drawing families: ONE FILE PER FAMILY, found by discovery, each with one ``FAMILY``.

The code a family gives is written to be read and changed by learners: p5.js 1.x, global mode, constants at the top.
"""
