"""What to build in which year under a budget, with the optimality gap.

`programme` chooses, `compare` sets a bureau's own list beside it, `stability` says how firmly each project stands;
`works_tree` is the network of works they share - make it once and every what-if takes a fraction of a second.
"""

from analysis.plan_compare import Comparison, compare, stability, usual_list
from analysis.programme import FRONTIER_COLUMNS, PROJECT_COLUMNS, Programme, programme
from analysis.works_tree import WorksTree, works_tree

__all__ = [
    "FRONTIER_COLUMNS",
    "PROJECT_COLUMNS",
    "Comparison",
    "Programme",
    "WorksTree",
    "compare",
    "programme",
    "stability",
    "usual_list",
    "works_tree",
]
