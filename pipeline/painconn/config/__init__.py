"""Settings: frozen pydantic models, one module per section of a study file.

A step imports only the module of its own section, so that a changed option of one section never touches another.
"""
