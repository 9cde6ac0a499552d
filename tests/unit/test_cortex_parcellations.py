from importlib import resources

import numpy as np
import pytest

from painconn.cortex.parcellations import (
    fingerprint,
    parcellation_of,
    region_centroids,
    require_sources,
    sources_per_region,
)
from painconn.cortex.regions import region_labels
from painconn.cortex.registry import PARCELLATIONS
from painconn.cortex.template import HEMISPHERES, Parcellation, template_arrays
from painconn.errors import InputError

DATA = resources.files("painconn.cortex") / "data"
NETWORKS = {"Vis", "SomMot", "DorsAttn", "SalVentAttn", "Limbic", "Cont", "Default"}
OCCIPITAL = ("lateraloccipital", "lingual", "pericalcarine", "cuneus", "fusiform", "superiorparietal")
CENTRAL = ("postcentral", "precentral", "paracentral", "superiortemporal", "transversetemporal", "insula")


def labels_of(name: str) -> np.ndarray:
    regions = parcellation_of(name)
    return np.concatenate([regions.vertex_regions[hemisphere] for hemisphere in HEMISPHERES])


def share_in(name: str, network: str, desikan_regions: tuple[str, ...]) -> float:
    """Share of the vertices of a network that Desikan-Killiany calls by one of these names."""
    regions, desikan = parcellation_of(name), parcellation_of("desikan_killiany")
    own = [place for place, region in enumerate(regions.region_names) if region.startswith(network)]
    called = labels_of("desikan_killiany")[np.isin(labels_of(name), own)]
    names = np.array([*desikan.region_names, "none"])[called]
    return float(np.mean([region.rpartition("-")[0] in desikan_regions for region in names]))


@pytest.mark.parametrize("definition", PARCELLATIONS.values(), ids=list(PARCELLATIONS))
def test_every_region_has_its_name_its_side_and_sources(definition):
    regions = parcellation_of(definition.name)
    assert regions.name == definition.name
    assert regions.region_names == definition.region_names
    assert len(set(regions.region_names)) == definition.n_regions
    for hemisphere in HEMISPHERES:
        found = np.unique(regions.vertex_regions[hemisphere])
        own = [place for place, name in enumerate(regions.region_names) if name.endswith(f"-{hemisphere}")]
        np.testing.assert_array_equal(found[found >= 0], own)
    assert min(sources_per_region(regions, "ico4").values()) >= 5
    assert min(sources_per_region(regions, "ico3").values()) >= 1


@pytest.mark.parametrize("definition", PARCELLATIONS.values(), ids=list(PARCELLATIONS))
def test_groups_hold_regions_of_one_side_once_and_are_no_regions(definition):
    groups = parcellation_of(definition.name).groups
    members = [region for regions in groups.values() for region in regions]
    assert len(groups) == definition.n_groups
    assert len(members) == len(set(members))
    assert set(members) <= set(definition.region_names)
    assert not set(groups) & set(definition.region_names)
    assert all(region[-2:] == group[-2:] for group, regions in groups.items() for region in regions)
    if definition.name.startswith("schaefer"):
        assert set(members) == set(definition.region_names)


@pytest.mark.parametrize("n_regions", [100, 200])
def test_schaefers_networks_name_the_same_cuts_of_the_cortex(n_regions):
    seven, seventeen = labels_of(f"schaefer_{n_regions}_7"), labels_of(f"schaefer_{n_regions}_17")
    assert len(set(zip(seven.tolist(), seventeen.tolist(), strict=True))) == n_regions + 1
    assert {group[:-3] for group in PARCELLATIONS[f"schaefer_{n_regions}_7"].groups} == NETWORKS
    np.testing.assert_array_equal(seven < 0, labels_of("schaefer_100_7") < 0)


def test_schaefers_networks_lie_where_the_anatomy_has_them():
    assert share_in("schaefer_100_7", "Vis", OCCIPITAL) > 0.7
    assert share_in("schaefer_200_17", "VisCent", OCCIPITAL) > 0.9
    assert share_in("schaefer_100_7", "SomMot", CENTRAL) > 0.8
    assert share_in("schaefer_100_7", "Vis", CENTRAL) < 0.01
    # Both atlases call nearly the same vertices the medial wall, though different people drew them.
    assert np.mean((labels_of("schaefer_100_7") < 0) == (labels_of("desikan_killiany") < 0)) > 0.99


def test_the_pain_regions_are_those_of_the_whole_atlas_and_the_rest_is_in_none():
    part, whole = parcellation_of("pain_12"), parcellation_of("desikan_killiany")
    assert sum(region in sum(part.groups.values(), ()) for region in part.region_names) == 12
    for hemisphere in HEMISPHERES:
        names = np.array([*whole.region_names, ""])[whole.vertex_regions[hemisphere]]
        expected = np.where(np.isin(names, part.region_names), names, "")
        np.testing.assert_array_equal(np.array([*part.region_names, ""])[part.vertex_regions[hemisphere]], expected)


@pytest.mark.parametrize("name", PARCELLATIONS)
def test_centroids_lie_in_their_own_region_and_on_their_side(name):
    regions, labels = parcellation_of(name), labels_of(name)
    surface = np.concatenate([template_arrays()[f"{hemisphere}_white"] for hemisphere in HEMISPHERES]).astype(float)
    centroids = region_centroids(regions)
    assert list(centroids) == list(regions.region_names)
    for place, (region, point) in enumerate(centroids.items()):
        vertex = np.linalg.norm(surface - point, axis=1).argmin()
        assert labels[vertex] == place
        assert (vertex < len(surface) // 2) == region.endswith("-lh")


def test_centroids_are_where_the_names_say():
    centroids = region_centroids(parcellation_of("desikan_killiany"))
    left, right = np.array(centroids["postcentral-lh"]), np.array(centroids["postcentral-rh"])
    assert np.linalg.norm(left * [-1, 1, 1] - right) < 15
    assert centroids["lateraloccipital-lh"][1] < -70 < 30 < centroids["frontalpole-lh"][1]


def test_names_are_the_same_in_labels_and_registry():
    with resources.as_file(DATA / "schaefer.npz") as path, np.load(path) as stored:
        for name in PARCELLATIONS:
            if name.startswith("schaefer"):
                assert tuple(stored[f"{name}_names"].tolist()) == PARCELLATIONS[name].region_names
    assert parcellation_of("desikan_killiany").region_names == PARCELLATIONS["desikan_killiany"].region_names
    assert len((DATA / "schaefer.npz").read_bytes()) < 100_000


def test_the_notice_names_authors_and_licences():
    notice = (DATA / "NOTICE-schaefer.md").read_text(encoding="utf-8")
    for word in (
        "Computational Brain Imaging Group",
        "Permission is hereby granted",
        "Apache",
        "bhx179",
        "schaefer.npz",
    ):
        assert word in notice


def test_regions_without_a_source_are_refused_each_by_name():
    whole = parcellation_of("schaefer_200_7")
    labels = {side: values.copy() for side, values in whole.vertex_regions.items()}
    labels["lh"][:642][np.isin(labels["lh"][:642], [3, 7])] = -1
    sparse = Parcellation(whole.region_names, labels)
    with pytest.raises(InputError) as caught:
        require_sources(sparse, "ico3")
    assert [problem.where.rpartition(" ")[2] for problem in caught.value.problems] == [
        whole.region_names[3],
        whole.region_names[7],
    ]
    require_sources(sparse, "ico4")


def test_a_fingerprint_changes_with_one_vertex_and_with_one_name():
    regions = parcellation_of("pain_12")
    labels = {side: values.copy() for side, values in regions.vertex_regions.items()}
    same = Parcellation(tuple(regions.region_names), labels)
    assert fingerprint(same) == fingerprint(regions)
    labels["rh"][100] += 1
    assert fingerprint(same) != fingerprint(regions)
    other = Parcellation(("x", *regions.region_names[1:]), regions.vertex_regions)
    assert fingerprint(other) != fingerprint(regions)


@pytest.mark.parametrize("name", PARCELLATIONS)
def test_the_sources_counted_are_those_that_a_kernel_gets(name):
    sources = (np.arange(2562), np.arange(2562))
    labels = region_labels(parcellation_of(name), sources)
    counts = np.bincount(labels[labels >= 0], minlength=PARCELLATIONS[name].n_regions)
    assert list(sources_per_region(parcellation_of(name), "ico4").values()) == counts.tolist()
