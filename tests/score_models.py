"""A small answer score for tests: it goes by what share of a contact's attempts was answered."""

import msgspec

from dialer.score.model import ScoreModel, load_model

_POINTS = [-1.4, -0.9, -0.4, 0.4, 1.4]
_EDGES = [0.1, 0.2, 0.35, 0.5]

MODEL: ScoreModel = load_model(
    msgspec.json.encode(
        {
            "format": "foredial-answer-score",
            "version": 1,
            "columns": [{"name": "answer_share"}],
            "form": {
                "form": "scorecard",
                "intercept": -0.9,
                "columns": [{"edges": _EDGES, "points": _POINTS, "unknown": 0.0}],
            },
            "calibration": {"slope": 1.0, "intercept": 0.0},
            "reference": {"edges": [0.15, 0.25, 0.45], "shares": [0.4, 0.2, 0.2, 0.2]},
            "classes": {"edges": [0.15, 0.25, 0.45], "rates": [0.1, 0.2, 0.35, 0.6]},
            "trained": {"attempts": 1000, "answers": 250, "from_at": 0.0, "until_at": 1.0},
        }
    ),
    "tests",
)
