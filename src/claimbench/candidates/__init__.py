"""A method of your own, beside the pinned contenders: ``pytest --candidate PAPER=FILE.py:OBJECT``."""
