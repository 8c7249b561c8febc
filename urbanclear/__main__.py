"""`python -m urbanclear` is the `urbanclear` command."""

from urbanclear.cli import main

main()
