"""The way of one item through the module: each stage takes what the stage before it made, and makes the next.

    Received ─proven→ Proven ─decoded→ Decoded ─opened→ Opened ─performed→ Performed ─answered→ Outcome

A check that was forgotten does not type-check: nobody but the stage before makes what a stage takes. ``frame`` takes
all items of a frame along this way; a bad one has a bad outcome, and the others are served.
"""
