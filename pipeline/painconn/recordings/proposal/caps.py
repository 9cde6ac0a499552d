"""Caps whose electrodes are numbered: BioSemi's letters, EGI's nets, and numbers that no file explains."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

_BIOSEMI_ROW = 32
_BIOSEMI_NAMED = (16, 32, 64)
_BIOSEMI_SIZES = (*_BIOSEMI_NAMED, 128, 160, 256)
_EGI = re.compile(r"E0*([1-9]\d*)|EEG (\d{3})", re.IGNORECASE)
_EGI_NETS = {32: "GSN-HydroCel-32", 64: "GSN-HydroCel-64_1.0", 128: "GSN-HydroCel-128", 256: "GSN-HydroCel-256"}
_EGI_REFERENCE = re.compile(r"(?:EEG )?(?:VREF|Vertex ?Reference|REF|Cz)", re.IGNORECASE)
_BARE = re.compile(r"(?:EEG|CH|CHAN|CHANNEL|ELECTRODE)?[ _.-]*0*\d+", re.IGNORECASE)
_COMPLETE, _MOSTLY = 0.9, 0.8
_FEWEST = 8


@dataclass(frozen=True)
class NumberedCap:
    """A cap that was recognised by its numbers.

    Parameters
    ----------
    montage : str
        Value for ``montage`` of the source.
    electrodes : tuple of str
        Names in the files that are electrodes.
    rename : dict
        Name in the files: name of that montage.
    references : tuple of str
        Reference channels, to be left out.
    note : str
        What must be looked at.
    """

    montage: str
    electrodes: tuple[str, ...]
    rename: Mapping[str, str] = field(default_factory=dict)
    references: tuple[str, ...] = ()
    note: str = ""


def numbered_cap(names: Collection[str]) -> NumberedCap | None:
    """Recognise BioSemi's ``A1 ... H32`` and EGI's ``E1 ...``, ``E001`` and ``EEG 001``; None for everything else."""
    return _biosemi(names) or _egi(names)


def bare_numbers(names: Collection[str]) -> bool:
    """Whether nearly all names are numbers (``EEG1``, ``Ch 07``, ``12``), which do not say where an electrode sits."""
    bare = sum(_BARE.fullmatch(name) is not None for name in names)
    return bare >= max(_FEWEST, _MOSTLY * len(names))


def _biosemi_names(size: int) -> list[str]:
    """Return ``A1, A2, ... A32, B1, ...`` for a number of electrodes."""
    return [f"{'ABCDEFGH'[index // _BIOSEMI_ROW]}{index % _BIOSEMI_ROW + 1}" for index in range(size)]


def _biosemi(names: Collection[str]) -> NumberedCap | None:
    for size in reversed(_BIOSEMI_SIZES):
        grid = _biosemi_names(size)
        there = [name for name in grid if name in names]
        if len(there) < _COMPLETE * size:
            continue
        if size not in _BIOSEMI_NAMED:
            return NumberedCap(
                f"biosemi{size}", tuple(there), note=f"channels are numbered as on a BioSemi cap of {size} electrodes"
            )
        places = dict(zip(grid, _names_of(f"biosemi{size}"), strict=True))
        note = f"channels are numbered as on a BioSemi cap of {size} electrodes; the 10-20 names of its standard layout"
        return NumberedCap(
            "template",
            tuple(there),
            rename={name: places[name] for name in there},
            note=f"{note} are under rename_channels: look whether your cap has that layout",
        )
    return None


def _egi(names: Collection[str]) -> NumberedCap | None:
    numbers = {name: int(match[1] or match[2]) for name in names if (match := _EGI.fullmatch(name))}
    padded = {name for name in numbers if name.upper().startswith("EEG")}
    highest = max(numbers.values(), default=0)
    size = next((size for size in _EGI_NETS if highest <= size + 1), None)
    if size is None or len(numbers) < max(_FEWEST, size / 2) or (padded and highest not in (size, size + 1)):
        return None
    electrodes = {name: number for name, number in numbers.items() if number <= size}
    extra = [name for name in names if _EGI_REFERENCE.fullmatch(name)]
    return NumberedCap(
        _EGI_NETS[size],
        tuple(electrodes),
        references=(*(name for name in numbers if name not in electrodes), *extra),
        note=f"channels are numbered as on an EGI net of {size} electrodes; montage {_EGI_NETS[size]} is meant for the "
        "HydroCel net, and the vertex reference is left out",
    )


@cache
def _names_of(montage: str) -> Sequence[str]:
    import mne

    return tuple(mne.channels.make_standard_montage(montage).ch_names)
