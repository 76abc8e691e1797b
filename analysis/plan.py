"""What to build in which year under a budget, with the optimality gap.

`programme` chooses, `compare` sets a bureau's own list beside it, `stability` says how firmly each project stands;
`works_tree` is the network of works they share - make it once and every what-if takes a fraction of a second.
"""

from analysis.frontier import FRONTIER_COLUMNS, frontier, marginal
from analysis.plan_compare import Comparison, compare, usual_list
from analysis.programme import PROJECT_COLUMNS, Programme, programme, project_lines
from analysis.stability import stability
from analysis.works_tree import WorksTree, works_tree
from analysis.worth import MEASURES, Weights, clinic_people

__all__ = [
    "FRONTIER_COLUMNS",
    "MEASURES",
    "PROJECT_COLUMNS",
    "Comparison",
    "Programme",
    "Weights",
    "WorksTree",
    "clinic_people",
    "compare",
    "frontier",
    "marginal",
    "programme",
    "project_lines",
    "stability",
    "usual_list",
    "works_tree",
]
