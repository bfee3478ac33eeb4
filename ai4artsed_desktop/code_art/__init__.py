"""The sandboxed renderer for p5.js and Tone.js: a small Qt program of its own, spawned as a child."""
