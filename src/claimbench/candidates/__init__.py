"""A method of your own beside the pinned contenders: ``--candidate PAPER=FILE.py:OBJECT``."""
