"""Tables in, matplotlib figures out. The package itself loads nothing: import its modules by name."""
