"""Lets ``python -m bnnfpga`` do what ``bnnfpga`` does."""

from bnnfpga.cli import main

if __name__ == "__main__":
    main()
