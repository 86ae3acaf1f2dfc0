"""What the script `vigil` calls: so little that Ctrl-C while all else is imported ends as it does later."""

import sys


def main() -> None:
    """Run the command line; never returns."""
    try:
        from engine.cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)  # ExitCode.INTERRUPTED, which may not be imported yet
