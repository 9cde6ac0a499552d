"""Neuroelectrics ``.nedf``: 10,240 bytes of XML, then blocks of five samples."""

from pathlib import Path

from painconn.recordings.headers.fields import read_start, whole
from painconn.recordings.headers.outline import (
    HeaderFault,
    Outline,
    check_size,
    checked_channels,
    checked_rate,
    checked_samples,
    no_companions,
)

companions_of = no_companions

_HEADER_BYTES = 10240
_BLOCK = 5


def outline_of(path: Path) -> Outline:
    """Return the outline; the triggers count as a channel."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    text = read_start(path, _HEADER_BYTES).split(b"\0")[0]
    try:
        root = fromstring(text)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise HeaderFault("a header that is no plain XML", "the header of a Neuroelectrics recording") from None
    n_channels = checked_channels(
        whole(root.findtext("EEGSettings/TotalNumberOfChannels", ""), "TotalNumberOfChannels"), "TotalNumberOfChannels"
    )
    sfreq_hz = checked_rate(
        whole(root.findtext("EEGSettings/EEGSamplingRate", ""), "EEGSamplingRate"), "EEGSamplingRate"
    )
    n_samples = checked_samples(
        whole(root.findtext("EEGSettings/NumberOfRecordsOfEEG", ""), "NumberOfRecordsOfEEG"), "NumberOfRecordsOfEEG"
    )
    n_accelerometers = whole(root.findtext("NumberOfChannelsOfAccelerometer", "0"), "NumberOfChannelsOfAccelerometer")
    if not 0 <= n_accelerometers <= 64:
        raise HeaderFault(f"{n_accelerometers} accelerometers", "0 to 64")
    stimulated = root.find("STIMSettings") is not None
    trigger_bytes = 4 if root.findtext("NEDFversion") else 1
    sample_bytes = 3 * n_channels * (3 if stimulated else 1) + trigger_bytes
    n_blocks, rest = divmod(n_samples, _BLOCK)
    wanted = n_blocks * (2 * n_accelerometers + _BLOCK * sample_bytes)
    wanted += (2 * n_accelerometers + rest * sample_bytes) if rest else 0
    found = path.stat().st_size - _HEADER_BYTES
    check_size(found, wanted, sample_bytes, sfreq_hz)
    return Outline(n_channels + 1, n_samples, sfreq_hz)
