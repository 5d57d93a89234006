"""``python -m pipeline`` is ``opensignal``, for programs of ours that start it where the command may not be on the path."""

from pipeline.cli import main

if __name__ == "__main__":
    main()
