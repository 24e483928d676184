"""The test: register the plan, ask the suspect, calibrate, and only then open the coins."""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from iolaus.lm import LanguageModel
from iolaus.provenance.judge import judge
from iolaus.provenance.plan import draw_plan
from iolaus.provenance.scoring import Scoring, best_way
from iolaus.provenance.suspect import Suspect
from iolaus.provenance.trial import try_suspect
from iolaus.provenance.vault import Vault
from iolaus.provenance.verdict import Registered, Verdict

__all__ = ["prove"]


def prove(
    vault: Vault,
    suspect: Suspect,
    *,
    references: Sequence[LanguageModel],
    alpha: float = 1e-6,
    budget: int | None = None,
    scoring: Scoring | None = None,
    decide: Literal["p_value", "e_value"] = "p_value",
    accounts: Collection[str] | None = None,
    campaigns: Mapping[str, str] | None = None,
    batch: int = 100,
    grade: Literal["A", "B"] = "A",
    root: str | None = None,
    steady: bool = True,
) -> Verdict:
    """Test whether a suspect learnt from what a vault served.

    Null: given everything but the coins, the suspect is independent of them. It holds for every model that was not
    made from the served answers, also for one that was made from the teacher's other answers to the same prompts.

    Args:
        vault: sealed. The plan is registered in it, and it is sealed once more, before the suspect is asked anything
            about an exchange.
        suspect: the model on trial.
        references: models that may be asked without bound, such as the teacher and a proxy of the suspect.
        alpha: chance of a false accusation.
        budget: most queries to the suspect about exchanges; None for no bound.
        scoring: how candidates are scored; None takes the way that sees most.
        decide: ``p_value`` asks everything and tests once; ``e_value`` asks in batches and stops as soon as it can.
        accounts: test only these accounts' exchanges.
        campaigns: campaign by account, as `detect` found them. They are judged too, and their accounts get half of
            alpha between them; see `iolaus.provenance.levels`.
        batch: exchanges in a batch, for ``e_value``.
        grade: ``B`` tests twins that were drawn later; see `iolaus.provenance.retrospect`.
        root: of the seal whose exchanges are tested, as it was published; None takes the newest.
        steady: refuse a suspect whose scores differ when asked again.

    Raises:
        InputError: the vault is not sealed, or nothing can be tested.
        ModelError: a model does not give what the test needs, or gives what cannot be.
    """
    used = scoring or Scoring(best_way(suspect.language_model))
    known = [*references, *([suspect.base] if suspect.base else [])]
    models = {one.name: one for one in known}
    plan = draw_plan(
        vault,
        suspect=suspect.name,
        references=[one.name for one in known],
        scoring=used,
        alpha=alpha,
        budget=budget,
        decide=decide,
        accounts=accounts,
        batch=batch,
        grade=grade,
        root=root,
        campaigns=campaigns,
    )
    earlier = len(vault.plans())
    line = vault.register(plan.to_json())
    final = vault.seal(of_plan=True)
    tried = try_suspect(vault, suspect, models, plan, steady=steady)
    return judge(tried, Registered(vault, final, line, earlier), plan, suspect, models)
