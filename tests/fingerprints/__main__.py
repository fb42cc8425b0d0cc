"""Compare all fingerprints with the recorded ones, or write those that are new or of a raised version.

python tests/fingerprints            says which numbers differ
python tests/fingerprints --write    writes new ones; never those whose numbers changed under the same version
"""

from __future__ import annotations

import sys

from fingerprint_book import complaint, write
from fingerprints import all_fingerprints


def main(words: list[str]) -> int:
    """Do what is asked and return 1 where a number differs from what its version recorded."""
    if words == ["--write"]:
        written, wrong = write(all_fingerprints())
        sys.stdout.write("\n".join([f"Written: {one}" for one in written] or ["Nothing new."]) + "\n")
    else:
        wrong = [said for one in all_fingerprints() if (said := complaint(one))]
    sys.stderr.write(("\n".join(wrong) or "All others are as recorded.") + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
