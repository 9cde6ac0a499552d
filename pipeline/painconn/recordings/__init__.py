"""Recordings in: where they lie, how they are read, what is refused at the door, and who the participants are.

Paths go in; arrays with names, positions, a rate and relative times come out. Nothing else of a file survives reading.
"""
