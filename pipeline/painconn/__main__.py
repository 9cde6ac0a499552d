"""``python -m painconn``."""

from painconn.cli import main

if __name__ == "__main__":
    main()
