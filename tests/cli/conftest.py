"""The command, called in this process."""

import pytest

from backlit.cli.main import main


@pytest.fixture
def command(monkeypatch, capsys):
    """Run the command: exit status, and what was said on each stream."""

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["backlit", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        said = capsys.readouterr()
        return stop.value.code or 0, said.out, said.err

    return run
