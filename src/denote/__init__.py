"""What do the neurons of a network denote? Observer models, controls, and label proportion by depth."""

from importlib import metadata

try:
    __version__ = metadata.version("denote")
except metadata.PackageNotFoundError:  # run from a source tree that was not installed
    __version__ = "0+unknown"
