"""The RPPS number: 11 digits, the last one a Luhn key; the national id is 8 and the number."""

RPPS_DIGITS = 11
RPPS_TYPE = "8"


# What a doubled digit counts for.
DOUBLED = str.maketrans("0123456789", "0246813579")


def luhn_key(digits: str) -> str:
    """The digit that makes a number pass Luhn's check (ISO/IEC 7812-1)."""
    counted = digits[-2::-2] + digits[-1::-2].translate(DOUBLED)
    return str(-sum(map(int, counted)) % 10)


def luhn_ok(number: str) -> bool:
    """Whether 11 digits pass. A hint for typing errors: some real numbers do not."""
    return number.isascii() and number.isdecimal() and luhn_key(number[:-1]) == number[-1]


def national_id_of(text: str) -> str | None:
    """The national id of a number as people and programs write it; None if it is not one."""
    digits = "".join(text.split())
    if not digits.isascii() or not digits.isdecimal():
        return None
    if len(digits) == RPPS_DIGITS:
        return RPPS_TYPE + digits
    if len(digits) == RPPS_DIGITS + 1 and digits[0] == RPPS_TYPE:
        return digits
    return None
