"""EEGLAB data sets of epochs; see :mod:`painconn.recordings.headers.eeglab`."""

from painconn.recordings.headers.eeglab import companions_of
from painconn.recordings.headers.eeglab import outline_of_epochs as outline_of

__all__ = ["companions_of", "outline_of"]
