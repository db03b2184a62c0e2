"""Tokens: what rests or travels sealed or signed, as frozen values in one strict encoding each (FIG. 18)."""
