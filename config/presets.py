"""The regulation presets that ship, by name."""

from pathlib import Path

from dialer.compliance.preset import Preset, load_preset
from dialer.errors import ConfigError

FOLDER = Path(__file__).resolve().parent / "regulations"


def preset_named(name: str) -> Preset:
    """A shipped preset.

    Raises:
        ConfigError: there is none of that name.
    """
    there = {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}
    if name not in there:
        mend = f"there are: {', '.join(there)}"
        raise ConfigError("compliance.preset", f"no preset {name!r}", mend)
    return load_preset(there[name].read_bytes(), there[name].name)
