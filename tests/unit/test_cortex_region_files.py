import numpy as np
import pytest
from nibabel.freesurfer import write_annot

from painconn.cortex.parcellations import parcellation_of, sources_per_region
from painconn.cortex.region_files import COLUMNS, MNI305_TO_MNI152, read_coordinates
from painconn.cortex.template import HEMISPHERES, template_arrays
from painconn.errors import InputError

N_VERTICES = 10_242


@pytest.fixture
def annot(tmp_path):
    """Write the Desikan-Killiany labels as annotations of a surface of so many vertices."""

    def write(n_vertices: int = N_VERTICES, rename=lambda name: name) -> dict[str, str]:
        arrays = template_arrays()
        colours = np.column_stack([arrays["aparc_colours"], np.zeros(len(arrays["aparc_colours"]))]).astype(np.int32)
        names = [rename(str(name)).encode() for name in arrays["aparc_names"]]
        paths = {}
        for hemisphere in HEMISPHERES:
            labels = np.resize(arrays[f"{hemisphere}_aparc"], n_vertices).astype(np.int32)
            path = tmp_path / f"{hemisphere}.own.annot"
            write_annot(path, labels, colours, names, fill_ctab=True)
            paths[hemisphere] = str(path)
        return paths

    return write


@pytest.fixture
def table(tmp_path):
    def write(*rows: tuple, columns: tuple[str, ...] = COLUMNS) -> dict[str, str]:
        path = tmp_path / "regions.tsv"
        lines = ["\t".join(columns), *("\t".join(map(str, row)) for row in rows)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return {"coordinates": str(path)}

    return write


def problems_of(choice: dict) -> list[str]:
    with pytest.raises(InputError) as caught:
        parcellation_of(choice)
    return [str(problem) for problem in caught.value.problems]


def vertices_of(regions, name: str) -> np.ndarray:
    labels = np.concatenate([regions.vertex_regions[hemisphere] for hemisphere in HEMISPHERES])
    return np.flatnonzero(labels == regions.region_names.index(name))


def surface_mm() -> np.ndarray:
    return np.concatenate([template_arrays()[f"{hemisphere}_white"] for hemisphere in HEMISPHERES]).astype(float)


@pytest.mark.parametrize("n_vertices", [N_VERTICES, 40_962, 163_842])
def test_annotations_come_back_as_the_regions_that_were_written(annot, n_vertices):
    found, expected = parcellation_of({"annot": annot(n_vertices)}), parcellation_of("desikan_killiany")
    assert found.region_names == expected.region_names
    assert found.groups == {}
    for hemisphere in HEMISPHERES:
        np.testing.assert_array_equal(found.vertex_regions[hemisphere], expected.vertex_regions[hemisphere])


def test_damaged_annotations_are_told_all_at_once(annot, tmp_path):
    paths = annot(5000)
    (tmp_path / "rh.own.annot").write_bytes(b"no annotation")
    told = problems_of({"annot": paths})
    assert len(told) == 2
    assert "5000 vertices" in told[0]
    assert "163842" in told[0]
    assert "rh.own.annot · found: not readable" in told[1]
    missing = problems_of({"annot": {"lh": "nowhere/lh.annot", "rh": "nowhere/rh.annot"}})
    assert [line.partition(" · wanted")[0] for line in missing] == [
        f"{hemisphere}.annot · found: no such file" for hemisphere in HEMISPHERES
    ]


def test_names_that_cannot_be_part_of_a_column_are_refused(annot):
    told = problems_of(
        {"annot": annot(rename=lambda name: {"insula": "an insula", "cuneus": "cu__neus"}.get(name, name))}
    )
    assert sum("'an insula'" in line for line in told) == sum("'cu__neus'" in line for line in told) == 2


def test_the_transform_is_that_of_freesurfers_documentation():
    np.testing.assert_allclose((MNI305_TO_MNI152 @ [10, -20, 35, 1])[:3], [10.695, -18.409, 36.137], atol=5e-3)


@pytest.mark.parametrize("vertex", [700, 8000, N_VERTICES + 300])
def test_a_patch_grows_around_its_vertex_and_stays_within_the_radius(table, vertex):
    point = surface_mm()[vertex]
    in_mni152 = (MNI305_TO_MNI152 @ [*point, 1.0])[:3]
    by_305 = parcellation_of({**table(("A", *point, 15)), "space": "mni305"})
    by_152 = parcellation_of(table(("A", *in_mni152, 15)))
    members = vertices_of(by_305, by_305.region_names[0])
    assert vertex in members
    assert by_305.region_names == (f"A-{HEMISPHERES[vertex >= N_VERTICES]}",) == by_152.region_names
    np.testing.assert_array_equal(members, vertices_of(by_152, by_152.region_names[0]))
    distance_mm = np.linalg.norm(surface_mm() - point, axis=1)
    assert distance_mm[members].max() <= 15
    assert len(set(members // N_VERTICES)) == 1
    # Along the surface it is farther than through the air, so the ball holds more; what is very near is in both.
    assert set(np.flatnonzero(distance_mm < 5)) & set(members)
    assert sources_per_region(by_305, "ico4")[by_305.region_names[0]] >= 1


def test_overlapping_patches_share_out_the_vertices_by_the_nearer_centre(table):
    first, second = ("A", -52, -20, 18, 14), ("B", -46, -26, 22, 25)
    both = parcellation_of(table(first, second))
    alone = {
        name: set(vertices_of(parcellation_of(table(row)), f"{name}-lh"))
        for name, row in zip("AB", (first, second), strict=True)
    }
    shared = alone["A"] & alone["B"]
    split = {name: set(vertices_of(both, f"{name}-lh")) for name in "AB"}
    assert len(shared) > 10
    assert not split["A"] & split["B"]
    assert split["A"] | split["B"] == alone["A"] | alone["B"]
    assert split["A"] - shared == alone["A"] - shared
    points = [(np.linalg.inv(MNI305_TO_MNI152) @ [*row[1:4], 1])[:3] for row in (first, second)]
    nearer = [np.linalg.norm(surface_mm()[v] - points[0]) < np.linalg.norm(surface_mm()[v] - points[1]) for v in shared]
    assert np.mean(np.array(nearer) == [v in split["A"] for v in shared]) > 0.8


def test_left_regions_come_first_and_a_side_in_the_name_stays(table):
    regions = parcellation_of(table(("S1", 42, -24, 56, 10), ("S1", -42, -24, 56, 10), ("pIns-rh", 38, -18, 12, 8)))
    assert regions.region_names == ("S1-lh", "S1-rh", "pIns-rh")


def test_places_below_the_cortex_are_refused_by_name_with_their_distance(table):
    deep = {
        "thalamus": (-12, -18, 8), "PAG": (0, -30, -10), "amygdala": (-22, -5, -18), "caudate": (-12, 12, 10),
        "hippocampus": (-28, -20, -16), "hypothalamus": (-4, -4, -10), "medulla": (0, -34, -48),
    }  # fmt: skip
    told = problems_of(table(*((name, *place, 10) for name, place in deep.items())))
    assert len(told) == len(deep)
    for row, (name, line) in enumerate(zip(deep, told, strict=True), start=2):
        assert line.startswith(f"regions.tsv, row {row} ({name}) · found: a place ")
        assert "mm from the nearest cortex" in line
    distances = {name: float(line.partition("a place ")[2].split()[0]) for name, line in zip(deep, told, strict=True)}
    assert distances["medulla"] > 30 > distances["thalamus"] > 15 > distances["amygdala"]
    cortical = {
        "S1": (-42, -24, 56),
        "S2": (-52, -20, 18),
        "insula": (-38, -18, 12),
        "dACC": (-5, 20, 34),
        "PCC": (-4, -52, 28),
    }
    assert len(parcellation_of(table(*((name, *place, 8) for name, place in cortical.items()))).region_names) == 5


def test_all_problems_of_a_table_are_told_with_their_rows(table):
    told = problems_of(
        table(
            ("text", "x", -24, 56, 10), ("none", -42, -24, 56, 0), ("S1-lh", 42, -24, 56, 10),
            ("S2", -52, -20, 18, 10), ("S2", -50, -22, 18, 10), ("two words", -5, 20, 34, 10), ("", -5, 20, 34, "nan"),
        )
    )  # fmt: skip
    expected_parts = (
        "row 2 (text)", "x_mm 'x'", "row 3 (none)", "radius_mm 0", "row 4 (S1-lh)", "hemisphere rh",
        "row 6 (S2) · found: another region called S2-lh", "'two words-lh'", "row 8 (no name)", "radius_mm 'nan'",
    )  # fmt: skip
    for expected in expected_parts:
        assert any(expected in line for line in told), expected
    (same,) = problems_of(table(("A", -52, -20, 18, 10), ("B", -52, -20, 18, 8)))
    assert "row 3 (B)" in same
    (lacking,) = problems_of(table(("A", 1, 2, 3), columns=COLUMNS[:4]))
    assert "no column radius_mm" in lacking


def test_a_short_row_is_a_problem_and_a_missing_file_is_named(table, tmp_path):
    (short,) = problems_of(table(("A", -52, -20)))
    assert "z_mm None, radius_mm None" in short
    with pytest.raises(InputError, match=r"nowhere\.tsv · found: no such file"):
        read_coordinates(tmp_path / "nowhere.tsv")
