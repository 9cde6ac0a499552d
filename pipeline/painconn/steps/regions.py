"""The regions of a study, with everything that can be wrong with them found before a job starts."""

from painconn.config.features import group_problems
from painconn.config.study import StudyConfig
from painconn.cortex.parcellations import parcellation_of, require_sources
from painconn.cortex.template import Parcellation
from painconn.errors import InputError, Problem

FEWEST_REGIONS = 2


def regions_of(study: StudyConfig) -> Parcellation:
    """Read the regions that a study names.

    Returns
    -------
    regions : Parcellation
        Its groups are those whose blocks the study tests.

    Raises
    ------
    InputError
        The files of the user are at fault, there is a single region, a region has no source on the template, or a
        group names no region; all problems of the first kind that there are.
    """
    regions = parcellation_of(study.cortex.parcellation)
    if study.data.sources[0].layout == "features":
        return regions
    if len(regions.region_names) < FEWEST_REGIONS:
        found, fix = f"the single region {regions.region_names[0]}", "add a region to the files"
        raise InputError(Problem("cortex.parcellation", found, "two or more: connectivity relates regions", fix))
    if study.cortex.template != "individual":
        require_sources(regions, study.cortex.source_spacing)
    problems = [
        Problem(where, found, "regions of the parcellation, each in one group", "correct features.groups")
        for where, found in group_problems(study.groups, regions.region_names, regions.name)
    ]
    if problems:
        raise InputError(problems)
    return regions
