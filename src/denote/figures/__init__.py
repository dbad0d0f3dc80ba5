"""Tables in, matplotlib figures out. Importing this package draws and loads nothing; each module is imported by name."""
