"""Numbers for cited works."""

from dataclasses import dataclass, field

from painconn.reporting.references import REFERENCES


@dataclass
class Citations:
    """Numbers cited works in order of first mention."""

    works: list[str] = field(default_factory=list)

    def cite(self, *keys: str) -> str:
        """Return ``[1, 2]`` for keys of REFERENCES."""
        return self.work(*(REFERENCES[key] for key in keys))

    def work(self, *texts: str) -> str:
        """Return ``[1, 2]`` for works given in full."""
        for text in texts:
            if text not in self.works:
                self.works.append(text)
        return "[" + ", ".join(str(self.works.index(text) + 1) for text in texts) + "]"
