"""The lead field as plain arrays: all that an inverse kernel needs, without MNE."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import mne


@dataclass(frozen=True)
class LeadField:
    """Potential of unit dipoles at every source.

    Attributes
    ----------
    channel_names : tuple of str
    gain_v_per_am : array, shape (channels, sources, 3)
        Average-referenced. The last axis is the source's own frame: two tangents, then the outward surface normal.
    vertices : tuple of two arrays of int
        Surface vertex of each source, left then right hemisphere; sources are in this order.
    normals : array, shape (sources, 3)
        Outward surface normals, in head coordinates.
    """

    channel_names: tuple[str, ...]
    gain_v_per_am: NDArray[np.float64]
    vertices: tuple[NDArray[np.int64], NDArray[np.int64]]
    normals: NDArray[np.float64]

    def as_arrays(self) -> dict[str, NDArray]:
        """Return the fields as named arrays without objects, for storage."""
        return {
            "channel_names": np.array(self.channel_names, dtype=np.str_),
            "gain_v_per_am": self.gain_v_per_am,
            "vertices_lh": self.vertices[0],
            "vertices_rh": self.vertices[1],
            "normals": self.normals,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray]) -> "LeadField":
        """Return the lead field that `as_arrays` described."""
        return cls(
            tuple(arrays["channel_names"].tolist()),
            arrays["gain_v_per_am"],
            (arrays["vertices_lh"], arrays["vertices_rh"]),
            arrays["normals"],
        )

    def pick(self, channel_names: tuple[str, ...]) -> "LeadField":
        """Return the lead field of some channels, in the given order, average-referenced over them alone."""
        rows = [self.channel_names.index(name) for name in channel_names]
        gain = self.gain_v_per_am[rows]
        return LeadField(tuple(channel_names), gain - gain.mean(axis=0), self.vertices, self.normals)


def lead_field(forward: "mne.Forward") -> LeadField:
    """Take the lead field out of a forward solution made by `painconn.cortex.forward.make_forward`.

    Parameters
    ----------
    forward : mne.Forward
        EEG only, free orientation in surface coordinates, cortical source space.
    """
    channels = len(forward["sol"]["row_names"])
    gain = np.asarray(forward["sol"]["data"], float).reshape(channels, -1, 3)
    left, right = (np.asarray(space["vertno"], np.int64) for space in forward["src"])
    normals = np.concatenate([space["nn"][space["vertno"]] for space in forward["src"]])
    return LeadField(tuple(forward["sol"]["row_names"]), gain - gain.mean(axis=0), (left, right), normals)
