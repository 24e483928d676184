"""Proving that a model was trained on what was served.

Importing this room loads neither torch nor httpx nor cryptography; what needs them says so when it is used.
"""

from iolaus.provenance.many import bonferroni, e_bh
from iolaus.provenance.plan import Plan, draw_plan
from iolaus.provenance.prove import prove
from iolaus.provenance.retrospect import LateDraw, draw_late_twins
from iolaus.provenance.scoring import Scoring, Way
from iolaus.provenance.suspect import Suspect
from iolaus.provenance.vault import LateTwins, Seal, TwinExchange, Vault
from iolaus.provenance.verdict import Finding, Verdict

__all__ = [
    "Finding",
    "LateDraw",
    "LateTwins",
    "Plan",
    "Scoring",
    "Seal",
    "Suspect",
    "TwinExchange",
    "Vault",
    "Verdict",
    "Way",
    "bonferroni",
    "draw_late_twins",
    "draw_plan",
    "e_bh",
    "prove",
]
