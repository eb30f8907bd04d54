"""``python -m aibridge`` is the command ``aibridge``."""

from aibridge.cli import main

main()
