"""What a user may choose: the config groups of denote, shipped as the package ``denote.conf``."""
