"""Lets ``python -m bnnfpga`` do what ``bnnfpga`` does."""

from bnnfpga.cli.main import main

if __name__ == "__main__":
    main()
