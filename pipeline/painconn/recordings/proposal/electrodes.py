"""Channel names as laboratories write them: which are electrodes, and what must be taken off to see it."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from painconn.recordings.channels import study_name
from painconn.recordings.proposal.caps import bare_numbers, numbered_cap

_TEMPLATE = "fsaverage_1005"
_FORMER = frozenset({"t3", "t4", "t5", "t6"})
_REFERENCE = re.compile(r"[AM][12]|V?REF|GND|CMS|DRL|COM|NASION|NZ", re.IGNORECASE)
_PREFIX = re.compile(r"EEG[ _:.-]*", re.IGNORECASE)
_SUFFIX = re.compile(r"(?:[ _:-]*(?:REF|AVE|AVG|AVERAGE|A1A2|M1M2)|[ _:-]+(?:LE|AR|[AM][12])|\.+)$", re.IGNORECASE)
_AFTER_DASH = re.compile(r"-[A-Za-z]{1,3}\d{0,2}$")
_KINDS = (
    ("ecg", re.compile(r"E[CK]G", re.IGNORECASE)),
    ("eog", re.compile(r"[VH]?EOG|^[LR]OC$|^[VH]EO", re.IGNORECASE)),
    ("emg", re.compile(r"EMG|^CHIN", re.IGNORECASE)),
    ("stim", re.compile(r"^(?:STATUS|STI|TRIG|TRG|MARKER|EVENT|DIN\d*)", re.IGNORECASE)),
    (
        "misc",
        re.compile(r"^(?:EXG ?\d|GSR|PHOTIC|RESP|PLET|TEMP|ERG|ACC|PULSE|SPO2|PACKET|IBI|BURSTS|SUPPR)", re.IGNORECASE),
    ),
)
_LOOK_ALIKE = {"0": "O", "L": "I", "l": "I", "1": "I"}
_COMMON_SHARE = 0.6
_FEWEST = 8


@dataclass(frozen=True)
class ChannelNaming:
    """How channel names become electrode names.

    Parameters
    ----------
    electrodes : tuple of str
        Names that are electrodes after the stripping (before `rename`).
    kinds : dict
        Type of the channels that are no electrodes and whose name tells.
    references : tuple of str
        Reference and difference channels, to be left out.
    unknown : tuple of str
        All others.
    strip_prefix, strip_suffix : str
        Text taken off.
    rename : dict
        Names that need more than that.
    montage : str
        Value for ``montage`` of the source when positions are not digitised.
    undecided : tuple of str
        Sentences about what the names do not tell.
    """

    electrodes: tuple[str, ...]
    kinds: Mapping[str, str]
    references: tuple[str, ...]
    unknown: tuple[str, ...]
    strip_prefix: str = ""
    strip_suffix: str = ""
    rename: Mapping[str, str] = field(default_factory=dict)
    montage: str = "template"
    undecided: tuple[str, ...] = ()

    @property
    def numbered(self) -> bool:
        """Whether too few names are electrodes for the others to be something else than electrodes."""
        return len(self.unknown) >= max(_FEWEST, len(self.electrodes))


def is_electrode(name: str) -> bool:
    """Whether the template has a place for a name; former names (T3, T4, T5, T6) and any case included."""
    return name.strip().lower() in _places() or name.strip().lower() in _FORMER


def channel_naming(names: Collection[str]) -> ChannelNaming:
    """Choose what makes most names electrodes, and sort the other channels by name."""
    cap = numbered_cap(names)
    if cap is not None:
        others = [name for name in names if name not in cap.electrodes and name not in cap.references]
        kinds, references, unknown = _sorted(others)
        return ChannelNaming(
            electrodes=cap.electrodes,
            kinds=kinds,
            references=(*cap.references, *references),
            unknown=tuple(unknown),
            rename=cap.rename,
            montage=cap.montage,
            undecided=(cap.note, *_unknown_notes(unknown, len(cap.electrodes), kinds)),
        )
    prefix, suffix = _best_stripping(names)
    stripped = [study_name(name, strip_prefix=prefix, strip_suffix=suffix) for name in names]
    electrodes = [name for name in stripped if is_electrode(name)]
    others = [name for name in stripped if not is_electrode(name)]
    rename = {name: found for name in others if (found := _referenced_electrode(name))}
    kinds, references, unknown = _sorted([name for name in others if name not in rename])
    return ChannelNaming(
        electrodes=(*electrodes, *rename),
        kinds=kinds,
        references=tuple(references),
        unknown=tuple(unknown),
        strip_prefix=prefix,
        strip_suffix=suffix,
        rename=rename,
        undecided=(
            *_electrode_notes(electrodes, rename, references),
            *_unknown_notes(unknown, len(electrodes) + len(rename), kinds),
        ),
    )


def _best_stripping(names: Collection[str]) -> tuple[str, str]:
    prefixes = {match[0] for name in names if (match := _PREFIX.match(name)) and match[0] != name}
    suffixes = {match[0] for name in names if (match := _SUFFIX.search(name)) and match[0] != name}
    ends = Counter(match[0] for name in names if (match := _AFTER_DASH.search(name)))
    suffixes |= {end for end, count in ends.items() if count >= max(_FEWEST, _COMMON_SHARE * len(names))}
    # One dot is enough: study_name takes it off as often as it stands there.
    suffixes = {"." if set(suffix) == {"."} else suffix for suffix in suffixes}
    pairs = [(prefix, suffix) for prefix in sorted({"", *prefixes}) for suffix in sorted({"", *suffixes})]

    def merit(pair: tuple[str, str]) -> tuple[int, int]:
        stripped = (study_name(name, strip_prefix=pair[0], strip_suffix=pair[1]) for name in names)
        return sum(map(is_electrode, stripped)), -len(pair[0]) - len(pair[1])

    return max(pairs, key=merit)


def _referenced_electrode(name: str) -> str | None:
    """Return the electrode of a name such as ``EEG F3-A2`` when other channels are written otherwise."""
    bare = _SUFFIX.sub("", _PREFIX.sub("", name)).strip()
    return bare if bare != name and is_electrode(bare) else None


def _sorted(names: Collection[str]) -> tuple[dict[str, str], list[str], list[str]]:
    kinds: dict[str, str] = {}
    references, unknown = [], []
    for name in names:
        bare = _SUFFIX.sub("", name)
        kind = next((kind for kind, expression in _KINDS if expression.search(bare)), None)
        if kind is not None:
            kinds[name] = kind
        elif all(_REFERENCE.fullmatch(part) or is_electrode(part) for part in _PREFIX.sub("", name).split("-")):
            references.append(name)
        else:
            unknown.append(name)
    return kinds, references, unknown


def _electrode_notes(electrodes: list[str], rename: Mapping[str, str], references: list[str]) -> Iterator[str]:
    former = sorted({name for name in electrodes if name.lower() in _FORMER})
    if former:
        yield f"former names ({', '.join(former)}): T3, T4, T5, T6 are understood as T7, T8, P7, P8, without renaming"
    if rename:
        yield (
            f"{len(rename)} channel name(s) are written otherwise than the rest and stand under rename_channels; "
            "look whether they have another reference"
        )
    pairs = [name for name in references if all(is_electrode(part) for part in name.split("-")) and "-" in name]
    if pairs:
        yield (
            f"differences between two electrodes ({', '.join(pairs[:5])}) cannot be placed and are left out; a bipolar "
            "recording cannot be used: export it against one reference"
        )


def _unknown_notes(unknown: list[str], n_electrodes: int, kinds: Mapping[str, str]) -> Iterator[str]:
    external = [name for name in kinds if name.upper().startswith("EXG")]
    if external:
        yield (
            f"{', '.join(external)}: external electrodes of unknown place, typed misc; "
            "write eog, ecg or emg under channel_types where you know"
        )
    if not unknown:
        return
    shown = ", ".join(unknown[:5]) + (" ..." if len(unknown) > 5 else "")
    if len(unknown) >= max(_FEWEST, n_electrodes):
        why = "are numbers, which do not tell a place" if bare_numbers(unknown) else "are not in the 10-05 system"
        yield (
            f"electrodes: {len(unknown)} channel names ({shown}) {why}: write rename_channels (such as "
            f"{unknown[0]}: Fp1) from the plan of your cap; until then every recording is excluded"
        )
        return
    hints = [f"{name} may mean {alike}" for name in unknown if (alike := _look_alike(name))]
    hint = f" ({'; '.join(hints)}: write it under rename_channels)" if hints else ""
    yield f"channels that are no known electrode are typed misc: {', '.join(unknown)}{hint}"


def _look_alike(name: str) -> str | None:
    """Return the electrode behind a letter that was taken for another one: ``LZ`` for Iz, ``01`` for O1."""
    first = _LOOK_ALIKE.get(name[:1])
    changed = f"{first}{name[1:]}" if first else ""
    return changed if changed and is_electrode(changed) else None


@cache
def _places() -> frozenset[str]:
    import mne

    return frozenset(name.lower() for name in mne.channels.make_standard_montage(_TEMPLATE).ch_names)
