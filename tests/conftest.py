"""How much the property tests try: a little in ``make check``, the library's default and more in ``make test``.

``pytest --hypothesis-profile=quick`` is what ``make check`` runs.
"""

from hypothesis import settings

settings.register_profile("default", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=15)
settings.load_profile("default")
