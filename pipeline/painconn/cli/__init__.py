"""The commands a person types.

Nothing heavy is imported here or in the command modules at import time: ``painconn --help`` answers at once.
"""

import sys


def main() -> None:
    """Run the command line; a problem of the user's becomes lines on standard error and an exit status.

    Any other error is a fault of the program: it is told without folders and without the words of what led to it.
    """
    from painconn.errors import EXIT_JOB_FAILED, PainconnError

    try:
        if sys.argv[1:2] == ["step"]:
            from painconn.cli.step import run_step

            run_step(sys.argv[2:])
        else:
            from painconn.cli.commands import app

            app()
    except PainconnError as error:
        count = len(error.problems)
        print(f"painconn: {count} problem{'s' if count > 1 else ''} (exit status {error.exit_status})", file=sys.stderr)  # noqa: T201
        for problem in error.problems:
            print(f"  {problem}", file=sys.stderr)  # noqa: T201
        sys.exit(error.exit_status)
    except Exception as error:  # noqa: BLE001 — the last word of the program, whatever happened
        from painconn.cli.crash import crash_text

        print(crash_text(error), file=sys.stderr)  # noqa: T201
        sys.exit(EXIT_JOB_FAILED)
