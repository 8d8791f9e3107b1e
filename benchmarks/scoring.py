"""What an answer score costs, in CPU time.

python -m benchmarks.scoring answers.json
"""

import argparse
import sys
from pathlib import Path
from time import process_time

from dialer.errors import InputError
from dialer.score.model import load_model
from dialer.score.past import Past

SCORES, TURNS = 2000, 7
_AT = 1_775_000_000.0


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    args = parser.parse_args(argv)
    try:
        model = load_model(args.model.read_bytes(), str(args.model))
    except (InputError, OSError) as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    past = Past(3, 1, "user_busy", _AT - 86_400, _AT - 864_000)
    costs_s = []
    for _ in range(TURNS):
        began_s = process_time()
        for n in range(SCORES):
            model.score(_AT + 7 * n, "+12125550100", "America/New_York", past)
        costs_s.append((process_time() - began_s) / SCORES)
    # The least of some turns: on a shared machine what is above it is the others' work.
    print(f"{type(model.form).__name__.lower()}: {1e6 * min(costs_s):.1f} microseconds a score")


if __name__ == "__main__":
    main()
