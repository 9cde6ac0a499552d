"""Open datasets by name: what is known of them, their listings, safe transfer, hashes.

Conventions: nothing outside the target folder is ever written, nothing half-written has a final name, and a file
whose sha256 is known and differs is refused.
"""
