"""Texts as samples: token ids, words, and where words lie among a tokenizer's tokens."""
