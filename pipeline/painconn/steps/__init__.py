"""One module per step of the workflow: read, compute, write.

Every step is a function ``run(results, settings, ...)`` that rules call as ``painconn step NAME``; ``settings`` is the
step's own slice of the study, as JSON, and nothing else of the study reaches it.
"""

STEPS = (
    "head", "forward", "clean", "connect", "quality_page", "table", "compare", "predict", "agreement", "audit", "model",
    "report",
)  # fmt: skip
