"""Answer scores, read from where they are kept."""

from pathlib import Path

from dialer.errors import InputError
from dialer.flow.scores import ReadScore
from dialer.score.model import ScoreModel, load_model


def score_reader(folder: Path) -> ReadScore:
    """Reads models by their files' names in a folder; an absolute path stands for itself."""

    def read(name: str) -> ScoreModel:
        path = folder / name
        try:
            return load_model(path.read_bytes(), str(path))
        except OSError as error:
            what = f"cannot be read: {error.strerror}"
            mend = "make one with: run.py score train -o FILE"
            raise InputError(str(path), what, mend) from None

    return read
