"""Tokens: what rests or travels sealed, as frozen values with one strict encoding each (FIG. 18, paragraph 117)."""
