"""What is said about the regions: which they are, how they are grouped, and how far the data can tell them apart."""

from painconn.reporting.citations import Citations
from painconn.reporting.notation import listing, plural, words
from painconn.reporting.results import StudyResults, TargetResults


def region_words(results: StudyResults, cited: Citations) -> str:
    """Say which regions there are, how many, and where they come from."""
    chosen = results.study["cortex"]["parcellation"]
    number = "regions" if results.regions is None else plural(len(results.regions), "region")
    if not isinstance(chosen, str):
        kind = " (annotations)" if chosen["annot"] else _patches(chosen["space"])
        return f"{number} of the study's own{kind}"
    cite = cited.cite("schaefer2018" if chosen.startswith("schaefer") else "desikan2006")
    return f"{number} of the parcellation {chosen} {cite}"


def _patches(space: str) -> str:
    carried = ", carried to MNI305 by FreeSurfer's linear transform" if space == "mni152" else ""
    return f" (patches of cortex around coordinates in {space.upper()}{carried})"


def group_words(results: StudyResults) -> str:
    """Say how many groups of regions there are."""
    groups = (results.study.get("features") or {}).get("groups")
    return plural(len(groups), "group of regions", "groups of regions") if groups else "groups of regions"


def tested_words(results: StudyResults, target: TargetResults) -> str:
    """Say what the primary tests are of: blocks of the declared measure, or a ready table with columns of its own."""
    if "primary: all columns" in set(target.tests("primary").get("family", ())):
        return "the columns of the ready table"
    family = target.settings["primary"]
    bands = listing([words(band) for band in family["bands"]])
    of_blocks = f"means of edges within and between {group_words(results)}"
    return f"{words(family['measure'])}, {family['inverse']}, {of_blocks}, in {bands}"


def dependence(results: StudyResults) -> str:
    """Say in numbers that there are more regions than the data have dimensions; nothing where there are not."""
    if results.regions is None or results.ranks is None or len(results.regions) <= results.ranks[0]:
        return ""
    low, high = results.ranks
    rank = f"{low}" if low == high else f"{low} to {high}"
    return (
        f" The {len(results.regions)} region signals come from data of {rank} dimensions and are linearly dependent: "
        "a region's signal is in part that of others, and measures that zero-lag mixing raises are to be read with "
        "that in mind."
    )
