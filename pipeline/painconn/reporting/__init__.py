"""Reporting: saved tables in, one self-contained page, its figures and a methods text out.

Conventions of this room: every number shown is read from a saved table or counted in one; a value that is missing or
not computable is shown as such, never as 0; only ``page`` opens files; matplotlib is imported inside functions.
"""
