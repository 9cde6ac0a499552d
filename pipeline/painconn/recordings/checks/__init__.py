"""What is looked for at the door, by stage: in the signal right after reading, and for one condition of the study.

A check of stage ``signal`` takes a :class:`~painconn.recordings.checks.signal.Signal` and the limits; one of stage
``condition`` takes the recording, the condition and the sidecars. Both yield findings, in the order of ``CHECKS``.
"""
