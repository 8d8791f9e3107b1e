"""Queues, and who may stand in one.

The rule of this module: where a queue asks something of its agents, that alone decides who serves
it; an agent who lacks it is never offered a caller of that queue.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Demand:
    """What a queue asks of its agents: languages that they speak, skills with the least level."""

    languages: tuple[str, ...] = ()
    skills: Mapping[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.languages or self.skills)

    def lacking(self, languages: tuple[str, ...], skills: Mapping[str, int]) -> str:
        """The first thing that such an agent lacks, in words; "" if nothing."""
        for language in self.languages:
            if language not in languages:
                return f"language {language}"
        for skill, level in self.skills.items():
            if skills.get(skill, 0) < level:
                return f"skill {skill} at {level}"
        return ""
