"""The simulator's part of the command line.

The rule of this package: a verb reads what a person asked for and shows what came of it; what is
computed stands in the modules above, where studies use it, too. A verb's module is entered only
when the verb is asked for.
"""

VERBS = {
    "simulate": "Say what a campaign will do in a scenario, with how sure that is.",
    "backtest": "Try a formula on recorded series, beside the pacing that ran. Nothing is dialed.",
    "benchmark": "Compare pacers: every one meets the same people on the same days.",
    "tune": "Try numbers of a campaign in a scenario, and write the best campaign.",
    "fit": "Make a scenario of recorded traffic, and say which of it is fitted and which guessed.",
    "score": "Answer scores: who is likely to answer.",
    "validate": "Hold the simulator's own pool, calls and clock against exact theory.",
    "replay": "Do again what was recorded, and tell the first difference with both sides.",
}
"""Each verb, whose module has its name, and what the list of verbs says of it."""
