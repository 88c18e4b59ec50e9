"""`python -m backlit`: the command."""

from backlit.cli.main import main

if __name__ == "__main__":
    main()
