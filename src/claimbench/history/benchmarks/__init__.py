"""The package that asv imports; it lies alone, because asv puts its parent on ``sys.path``."""
