"""The answer to what a run or sweep asked: structured once, shown by the terminal, the page and Python alike."""

from denote.reporting.answer.compose import answer
from denote.reporting.answer.contents import Answer, Block, Doubt, Number
from denote.reporting.answer.words import family_words, plain_property

__all__ = ["Answer", "Block", "Doubt", "Number", "answer", "family_words", "plain_property"]
