"""Cohorts with known truth: signals of the cortex, a head that is not the one of the analysis, artefacts, BIDS.

Conventions of this room: everything about a person follows from (seed, participant label, group) and never from order
or from who else is in the cohort; two cohorts that differ in their planted effect share all other random numbers.
"""
