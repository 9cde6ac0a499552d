"""Channel names as laboratories write them: which are 10-05 electrodes, and what must be taken off to see it."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from painconn.recordings.channels import study_name

# Rows of the 10-05 system (Oostenveld & Praamstra 2001, doi:10.1016/S1388-2457(00)00527-7) from front to back.
_ROWS = (
    "AFF", "AFp", "AF", "Fp", "FFT", "FFC", "FTT", "FCC", "FT", "FC", "F", "TTP", "TPP", "TP", "T", "CCP", "CPP", "CP",
    "C", "PPO", "POO", "PO", "P", "OI", "O", "I", "N",
)  # fmt: skip
_ELECTRODE = re.compile(rf"(?:{'|'.join(_ROWS)})(?:z|(?:10|[1-9])h?)", re.IGNORECASE)
_REFERENCE = re.compile(r"(?:[AM][12]|[A-Z]{1,3}\d{0,2}-[A-Z]{1,3}\d{0,2}|REF|GND|CMS|DRL)", re.IGNORECASE)
_PREFIX = re.compile(r"EEG[ _:.-]*", re.IGNORECASE)
_SUFFIX = re.compile(r"(?:[ _-]*(?:REF|LE|AVE|AVG|AR|A1A2|M1M2)|\.)$", re.IGNORECASE)
_KINDS = (
    ("ecg", re.compile(r"E[CK]G", re.IGNORECASE)),
    ("eog", re.compile(r"[VH]?EOG|^[LR]OC$|^[VH]EO", re.IGNORECASE)),
    ("emg", re.compile(r"EMG|^CHIN", re.IGNORECASE)),
    ("stim", re.compile(r"^(?:STATUS|STI|TRIG|MARKER|EVENT)", re.IGNORECASE)),
)


@dataclass(frozen=True)
class ChannelNaming:
    """How channel names become electrode names.

    Parameters
    ----------
    strip_prefix, strip_suffix : str
        Text taken off.
    electrodes : tuple of str
        Names that are 10-05 electrodes afterwards.
    kinds : dict
        Type of the channels that are no electrodes and whose name tells.
    references : tuple of str
        Reference and difference channels, to be left out.
    unknown : tuple of str
        All others.
    """

    strip_prefix: str
    strip_suffix: str
    electrodes: tuple[str, ...]
    kinds: dict[str, str]
    references: tuple[str, ...]
    unknown: tuple[str, ...]


def is_electrode(name: str) -> bool:
    """Whether a name is one of the 10-05 system, former names (T3, T4, T5, T6) and any case included."""
    return _ELECTRODE.fullmatch(name) is not None


def channel_naming(names: Collection[str]) -> ChannelNaming:
    """Choose the prefix and suffix that make most names electrodes, and sort the other channels by name."""
    prefixes = {match[0] for name in names if (match := _PREFIX.match(name)) and match[0] != name}
    suffixes = {match[0] for name in names if (match := _SUFFIX.search(name)) and match[0] != name}
    pairs = [(prefix, suffix) for prefix in sorted({"", *prefixes}) for suffix in sorted({"", *suffixes})]

    def merit(pair: tuple[str, str]) -> tuple[int, int]:
        stripped = (study_name(name, strip_prefix=pair[0], strip_suffix=pair[1]) for name in names)
        return sum(map(is_electrode, stripped)), -len(pair[0]) - len(pair[1])

    prefix, suffix = max(pairs, key=merit)
    kinds: dict[str, str] = {}
    electrodes, references, unknown = [], [], []
    for name in (study_name(name, strip_prefix=prefix, strip_suffix=suffix) for name in names):
        kind = next((kind for kind, expression in _KINDS if expression.search(name)), None)
        if is_electrode(name):
            electrodes.append(name)
        elif kind is not None:
            kinds[name] = kind
        elif _REFERENCE.fullmatch(name):
            references.append(name)
        else:
            unknown.append(name)
    return ChannelNaming(prefix, suffix, tuple(electrodes), kinds, tuple(references), tuple(unknown))
