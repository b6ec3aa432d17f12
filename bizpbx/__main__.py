"""`python -m bizpbx` is the `bizpbx` program."""

from bizpbx.cli import main

main()
