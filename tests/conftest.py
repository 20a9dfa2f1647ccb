"""What all tests share."""

from hypothesis import settings

# A deadline on one example measures the machine's load, not the code.
settings.register_profile("claimbench", deadline=None)
settings.load_profile("claimbench")
