"""`backlit`, and `python -m backlit`: the command, which hears signals before anything that takes long is imported."""

from __future__ import annotations

import gc

from backlit import interrupts


def main() -> None:
    """Run the command; its exit status is told in `backlit.cli.main`."""
    interrupts.listen()
    try:
        from backlit.cli import process
        from backlit.cli.launching import child

        child.watch_parent()
        process.prepare()
        from backlit.cli.main import main as command

        command()
    except BaseException:
        if interrupts.status() is None:
            raise
        interrupts.end_now()  # it came while modules were imported
    finally:
        interrupts.stop_listening()
        gc.freeze()  # Python would look for garbage, a third of a second long, in what goes with the process anyway


if __name__ == "__main__":
    main()
