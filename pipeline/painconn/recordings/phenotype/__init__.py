"""Rules that make a label: from the rows of a table to a label per person, or the reason why there is none."""
