"""The judgement of what neurons denote: the rule, what it could have seen, and what else tells the property."""
