"""Random tests may take their time: the machine is shared, and a slow example is no fault."""

from hypothesis import settings

settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")
