"""Money in yuan to the cent: read, split by shares, added up without a cent lost."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from geo.errors import InputError

CENT = Decimal("0.01")


def amount(value: object, *, what: str = "金额") -> Decimal:
    """Return an amount in yuan with two decimals. Raises InputError for anything that is not one.

    A binary fraction is taken as it is printed: 0.1 is ten cents.

    >>> amount(12.5)
    Decimal('12.50')
    >>> amount("3000")
    Decimal('3000.00')
    """
    value_cny = number(value, what=what)
    try:
        cents = value_cny.quantize(CENT)
    except InvalidOperation as error:
        raise InputError(f"{what}太大，现在是 {value!r}。") from error
    if cents != value_cny:
        raise InputError(f"{what}最多到分，现在是 {value!r}。")
    return cents


def number(value: object, *, what: str = "金额") -> Decimal:
    """Return a decimal number as written, thousands separators allowed. Raises InputError for anything else."""
    try:
        found = Decimal(str(value).strip().replace(",", "").replace("，", ""))
    except InvalidOperation as error:
        raise InputError(f"{what}要是数字（元），现在是 {value!r}。") from error
    if not found.is_finite():
        raise InputError(f"{what}要是数字（元），现在是 {value!r}。")
    return found


def split(total: Decimal, shares: Mapping[str, float | Decimal]) -> dict[str, Decimal]:
    """Divide an amount by shares such as 6:3:0.5:0.5, to the cent, so that the parts add up to it exactly.

    Left-over cents go to the payers with the largest remainders, ties to the one named first.

    >>> split(Decimal("100.01"), {"省": 6, "对口市": 3, "市": 0.5, "县": 0.5})
    {'省': Decimal('60.01'), '对口市': Decimal('30.00'), '市': Decimal('5.00'), '县': Decimal('5.00')}
    """
    weights = {payer: Decimal(str(share)) for payer, share in shares.items()}
    whole = sum(weights.values(), Decimal(0))
    if whole <= 0 or any(not weight.is_finite() or weight < 0 for weight in weights.values()):
        raise InputError(f"分担比例要是不小于 0 的数，且不能全为 0，现在是 {dict(shares)}。")
    cents = abs(int(total / CENT))
    exact = {payer: cents * weight / whole for payer, weight in weights.items()}
    floor = {payer: int(value // 1) for payer, value in exact.items()}
    order = sorted(weights, key=lambda payer: exact[payer] - floor[payer], reverse=True)
    for payer in order[: cents - sum(floor.values())]:
        floor[payer] += 1
    unit = CENT if total >= 0 else -CENT
    return {payer: floor[payer] * unit for payer in weights}
