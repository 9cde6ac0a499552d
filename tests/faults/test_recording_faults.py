"""Broken recordings (rows 1-11, 13-15, 17-23, 28-30 of the list of faults).

Each is excluded with the check, the file or condition, what was found and what to do; what is not broken of the same
person stays; and a healthy person beside all of them has the very numbers of a study in which they are alone.
"""

import re

import pytest
from recording_faults import FAULTS, FIF_FAULTS, MEASURED_FAULTS, Fault

pytestmark = pytest.mark.slow

ALL = (*FAULTS, *MEASURED_FAULTS, *(fault for fault, _ in FIF_FAULTS))


@pytest.mark.parametrize("fault", ALL, ids=[f"{fault.row:02d} {fault.form}" for fault in ALL])
def test_it_is_excluded_with_the_reason_and_the_others_keep_their_numbers(fault: Fault, crowd, changed_numbers):
    rows = crowd.exclusions(fault.label)
    told = "\n".join(" · ".join(row) for row in rows.itertuples(index=False))
    fitting = rows[rows["check"].isin(fault.check.split("|")) & (rows["condition"] == fault.condition)]
    assert len(fitting), told
    exclusion = fitting.iloc[0]
    for column in ("where", "found", "fix"):
        assert re.search(getattr(fault, column), exclusion[column]), f"{column}: {told}"
    assert exclusion["wanted"]
    sidecar = crowd.sidecar(fault.label)
    conditions = {one["condition"] for one in sidecar.get("observations", ())}
    assert (sidecar["status"], conditions) == ("ok" if fault.left else "excluded", set(fault.left)), told
    assert changed_numbers(crowd) == []
