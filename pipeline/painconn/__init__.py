"""Painconn: from pain EEG to a defensible classifier."""

__version__ = "0.1.0"
