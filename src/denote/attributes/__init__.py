"""Attributes: expressions and families of rules become columns of yes/no labels."""
