"""Columns of tables: reading them from files, and inputs made of them."""
