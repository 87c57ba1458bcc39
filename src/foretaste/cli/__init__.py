"""The command line: one file per command, nothing heavy imported before it is needed."""

from __future__ import annotations

import sys

STOPPED = 130
"""What Ctrl-C ends with; typer makes an exit of it, without a word."""


def main() -> None:
    """Entry point of `foretaste`: a person's mistake is one sentence and exit code 2, never a traceback."""
    from foretaste.errors import ForetasteError

    try:
        # Not above: who stops it at once stops it while it is still being loaded.
        from foretaste.cli.app import app
        from foretaste.models.sequence.training.distributed import several_processes

        with several_processes():  # under torchrun the first process does what is asked, the others help it train
            app(standalone_mode=True)
    except ForetasteError as error:
        print(f"Error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except (KeyboardInterrupt, SystemExit) as stop:
        if isinstance(stop, SystemExit) and stop.code != STOPPED:
            raise
        print("Stopped.", file=sys.stderr)
        raise SystemExit(STOPPED) from None
    except BrokenPipeError:  # the reader has seen enough: `foretaste models | head -1`
        raise SystemExit(0) from None
