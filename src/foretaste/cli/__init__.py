"""The command line: one file per command, nothing heavy imported before it is needed."""


def main() -> None:
    """Entry point of the `foretaste` command."""
    raise SystemExit("not yet")
