# The study, the plan made from it, and the functions that give jobs their inputs and parameters.
from pathlib import Path

from painconn.config.loader import load_study, study_from_mapping, with_data_root
from painconn.errors import PainconnError
from painconn.paths import Results, from_setting
from painconn.steps.made_with import MadeWith
from painconn.steps.plan import Plan, prepare_environment

prepare_environment()

ENVIRONMENT = "../envs/painconn.yaml"
RUNTIME_KEYS = {"study", "painconn_data", "painconn_out"}


def read_study():
    """Read the study again from its file: the parser of the workflow engine turns the label 001 into 1."""
    if config.get("study"):
        study = load_study(Path(str(config["study"])))
    elif workflow.configfiles and workflow.modifier.parent_modifier is None:
        study = load_study(Path(workflow.configfiles[-1]))
    else:
        sections = {
            key: value for key, value in config.items() if key not in RUNTIME_KEYS
        }
        study = study_from_mapping(
            sections, source="config of the module", folder=Path.cwd()
        )
    data = config.get("painconn_data")
    return with_data_root(study, from_setting(data).resolve()) if data else study


def read_plan():
    study = read_study()
    out = from_setting(config.get("painconn_out") or Path("results") / study.name)
    return Plan(study, Results(out))


try:
    PLAN = read_plan()
except PainconnError as error:
    raise WorkflowError(str(error))

RESULTS = PLAN.results
TARGETS = list(PLAN.study.targets)
MADE_WITH = MadeWith(PLAN)


def results_folder(wildcards):
    return str(RESULTS.root)


def session_inputs(wildcards):
    return PLAN.recordings(wildcards.session)


def forward_of_session(wildcards):
    forward = PLAN.forward_of(wildcards.session)
    return [str(RESULTS.forward(forward))] if forward else []


def head_of_forward(wildcards):
    return str(RESULTS.head(PLAN.forwards[wildcards.montage].head.label))


def files_of_head(wildcards):
    return PLAN.head_files(wildcards.head)


def connectivity_of_all(wildcards):
    return [str(RESULTS.connectivity(PLAN.key(name))) for name in PLAN.sessions]


def quality_pages_of_all(wildcards):
    return [str(RESULTS.quality_page(PLAN.key(name))) for name in PLAN.sessions]


def agreements_of_all(wildcards):
    return [str(RESULTS.target(target, "agreement.json")) for target in TARGETS]


def audits_of_all(wildcards):
    return [str(RESULTS.target(target, "audit.json")) for target in TARGETS]


def models_of_all(wildcards):
    return [str(RESULTS.target(target, "model.json")) for target in TARGETS]


def tables_of_the_user(wildcards):
    return PLAN.user_tables()


def settings_head(wildcards):
    return PLAN.settings_head(wildcards.head)


def settings_forward(wildcards):
    return PLAN.settings_forward(wildcards.montage)


def settings_clean(wildcards):
    return PLAN.settings_clean(wildcards.session)


def settings_connect(wildcards):
    return PLAN.settings_connect(wildcards.session)


def settings_table(wildcards):
    return PLAN.settings_table()


def settings_target(wildcards):
    return PLAN.settings_target(wildcards.target)


def settings_audit(wildcards):
    return PLAN.settings_audit(wildcards.target)


def settings_model(wildcards):
    return PLAN.settings_model(wildcards.target)


def settings_report(wildcards):
    return PLAN.settings_report()


def made_with_of(step, label=None):
    def made_with(wildcards):
        return MADE_WITH.of(step, getattr(wildcards, label) if label else None)

    return made_with


def unless_stale(step, label=None):
    """An input function that names no file, and has an output made again that was made with something else.

    The engine remembers parameters in the folder it is started from; the results may have been made from another one.
    """

    def no_files(wildcards):
        if workflow.is_main_process:
            output = MADE_WITH.stale(step, getattr(wildcards, label) if label else None)
            workflow.dag.forcefiles.update([str(output)] if output else [])
        return []

    return no_files


def memory_mb(base):
    def scaled(wildcards, attempt):
        return base * attempt

    return scaled


def log_of(step, name):
    return str(RESULTS.log(step, name))


def benchmark_of(step, name):
    return str(RESULTS.benchmark(step, name))
