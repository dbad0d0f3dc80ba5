"""The words in which the analysis of depth writes its tables, for those who read them."""

from __future__ import annotations

QUESTION = ["dataset", "trained", "epoch", "family"]
"""A verdict is given for each."""

SIGN_FLIP, TREND, EQUIVALENCE = "sign_flip", "trend", "equivalence"
PRIMARY, SECONDARY, EXPLORATORY, DESCRIPTIVE = "primary", "secondary", "exploratory", "descriptive"

FOLDED, UNFOLDED, ROTATED_FOLDED = "folded", "label_proportion", "rotated_folded"
BEYOND = "folded - rotated_folded"
SHARE = "share_denoting - rotated_share_denoting"

RAW, POLARITY, ANY_BASIS, OWN = "raw", "polarity", "any basis", "own"
LEVEL, CHANGE, BOW = "level", "change", "bow"

BEYOND_BASIS = "depends on depth beyond polarity and basis"
ANY_BASIS_SHOWS = "through the distribution that any basis shows"
POLARITY_ONLY = "through polarity only"
NO_CHANGE = "no change of folded larger than {} between any two layers"
NOT_SHOWN = "not shown"
NOT_EXCLUDED = "not shown; changes up to {} are not excluded"
TOO_FEW = "none: too few networks"
