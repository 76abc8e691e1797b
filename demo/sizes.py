"""How large each demo county is, and where it lies."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from numpy.typing import NDArray

from geo.errors import InputError

Array = NDArray[Any]

AS_OF = date(2018, 6, 30)
NAME = "示范县（虚构）"
POLICY_ID = "zhanjiang-edz-2016"
CRS_PLAIN = "EPSG:4547"  # CGCS2000 3-degree zone, central meridian 114E, no zone prefix
CRS_ZONED = "EPSG:4526"  # the same zone with its number 38 before the easting
ZONE_SHIFT_M = 38_000_000.0
CENTRE_X, CENTRE_Y = 469_700.0, 2_777_200.0  # about 113.70E 25.10N


@dataclass(frozen=True)
class Size:
    """The figures of one demo size; `poor_only` leaves every other household out of the ledger."""

    name: str
    villages: int
    natural_villages: int
    households: int
    poor: int
    road_edges: int
    towns: int
    counties: int
    lattice_m: float
    dem_m: float
    village_km2: float = 19.0
    poor_only: bool = False

    @property
    def area_m2(self) -> float:
        """Ground covered; 19 square kilometres a village is usual in hill country."""
        return self.villages * self.village_km2 * 1e6


SIZES = {
    size.name: size
    for size in (
        Size("tiny", 5, 40, 1_200, 90, 420, 1, 1, 60.0, 60.0),
        Size("county", 110, 1_200, 60_000, 3_700, 15_000, 11, 1, 100.0, 30.0),
        Size("city", 2_000, 20_000, 1_100_000, 63_000, 150_000, 130, 12, 150.0, 60.0),
        Size("province", 20_000, 150_000, 7_500_000, 700_000, 1_500_000, 1_500, 120, 350.0, 125.0, 9.0, poor_only=True),
    )
}


def size_of(name: str) -> Size:
    """Find a demo size by name.

    Examples
    --------
    >>> size_of("county").villages
    110
    """
    try:
        return SIZES[name]
    except KeyError:
        raise InputError(f"示范数据没有规模“{name}”。请选择：{'、'.join(SIZES)}。") from None
