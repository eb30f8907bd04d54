"""``python -m aibridge.keeper``: the keeper's process, begun by the bridge itself."""

from aibridge.keeper.process import main

if __name__ == "__main__":
    main()
