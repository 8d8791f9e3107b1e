"""Budgets: debt makes kappa small, and the window ends under the target."""

from dialer.pacing.budget import Account, ClosingBudget, EvenBudget

DAY_S = 28_800.0


def account(answers: int, abandoned: int, elapsed_s: float = 7200.0) -> Account:
    return Account(answers, abandoned, elapsed_s, DAY_S - elapsed_s, agents=20)


def test_debt_lowers_kappa_and_savings_raise_it_within_bounds() -> None:
    budget = EvenBudget(0.03)
    kappas = [budget.spend(account(1000, drops)).kappa for drops in (0, 25, 28, 30, 200)]
    assert kappas == sorted(kappas, reverse=True)
    assert kappas[0] == 3 * budget.middle
    assert kappas[-1] == budget.middle / 30


def test_the_same_debt_weighs_more_as_the_window_closes() -> None:
    early = ClosingBudget(0.03).spend(account(400, 14, elapsed_s=500.0))
    late = ClosingBudget(0.03).spend(account(400, 14, elapsed_s=28_000.0))
    assert late.kappa < early.kappa / 3


def test_the_guard_steps_in_where_one_more_drop_would_be_one_too_many() -> None:
    budget = ClosingBudget(0.03)
    assert "used up" in budget.spend(account(1000, 40, elapsed_s=27_000.0)).word
    assert budget.spend(account(1000, 30, elapsed_s=28_700.0)).kappa == 0
    assert "used up" not in budget.spend(account(1000, 28, elapsed_s=28_700.0)).word
    assert "used up" not in budget.spend(account(1000, 33, elapsed_s=14_400.0)).word


def test_a_standing_debt_moves_the_middle_of_kappa() -> None:
    budget = ClosingBudget(0.03)
    kappas = [
        budget.spend(account(round(0.12 * t), round(0.12 * t * 0.029) + 6, elapsed_s=t)).kappa
        for t in range(600, 7200, 60)
    ]
    assert kappas[-1] < kappas[0] / 3


def test_what_the_budget_learned_survives_a_restart() -> None:
    budget = ClosingBudget(0.03)
    for t in range(0, 7200, 60):
        budget.spend(account(500, 40, elapsed_s=float(t)))
    again = ClosingBudget(0.03)
    again.restore(budget.state())
    assert again.spend(account(500, 40)) == budget.spend(account(500, 40))


def test_another_target_scales_the_budget() -> None:
    spending = ClosingBudget(0.01).spend(account(1000, 20, elapsed_s=500.0))
    assert spending.debt > 8
