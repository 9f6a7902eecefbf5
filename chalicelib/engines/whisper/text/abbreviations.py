"""What abbreviations of written US English stand for."""

from __future__ import annotations

SAID_AS_WORDS = frozenset(
    [
        "aids",
        "asap",
        "cern",
        "covid",
        "darpa",
        "fema",
        "fifa",
        "hipaa",
        "ikea",
        "lego",
        "mers",
        "nafta",
        "nasa",
        "nascar",
        "nasdaq",
        "nato",
        "norad",
        "opec",
        "osha",
        "pin",
        "potus",
        "ram",
        "rom",
        "sars",
        "scotus",
        "scuba",
        "sim",
        "snap",
        "stem",
        "swat",
        "uefa",
        "unesco",
        "unicef",
        "vat",
        "zip",
        "ok",
    ]
)
"""In capitals, and yet no letters."""
ABBREVIATIONS = {
    "mr": "mister",
    "mrs": "missus",
    "dr": "doctor",
    "prof": "professor",
    "jr": "junior",
    "sr": "senior",
    "vs": "versus",
    "etc": "et cetera",
    "blvd": "boulevard",
    "approx": "approximately",
    "dept": "department",
    "ok": "okay",
    "phd": "p h d",
    "ph.d": "p h d",
    "#": "pound",
    "*": "star",
}
"""With a full stop or without."""
ROMAN_NUMERALS = {"II": "two", "III": "three", "VI": "six", "VII": "seven", "VIII": "eight"}
"""Behind a name; others are letters more often."""
WITH_A_STOP = {
    "Apt": "apartment",
    "Ave": "avenue",
    "Rd": "road",
    "Mt": "mount",
    "Ft": "fort",
    "Inc": "incorporated",
    "Corp": "corporation",
    "Ltd": "limited",
    "Co": "company",
    "Jan": "january",
    "Feb": "february",
    "Apr": "april",
    "Aug": "august",
    "Sept": "september",
    "Oct": "october",
    "Nov": "november",
    "Dec": "december",
}
"""Only with a capital and a full stop."""
BEFORE_NAMES = {
    "Capt": "captain",
    "Col": "colonel",
    "Gen": "general",
    "Gov": "governor",
    "Hon": "honorable",
    "Lt": "lieutenant",
    "Rep": "representative",
    "Rev": "reverend",
    "Sen": "senator",
    "Sgt": "sergeant",
}
"""Only with a capital and a full stop, before a name."""
BESIDE_NAMES = {"st": ("saint", "street"), "dr": ("doctor", "drive")}
"""Before a name, and behind one."""
UNITS = {
    "km": "kilometer",
    "cm": "centimeter",
    "mm": "millimeter",
    "kg": "kilogram",
    "mg": "milligram",
    "ml": "milliliter",
    "lb": "pound",
    "lbs": "pound",
    "oz": "ounce",
    "khz": "kilohertz",
    "mhz": "megahertz",
    "ghz": "gigahertz",
    "kb": "kilobyte",
    "mb": "megabyte",
    "gb": "gigabyte",
    "tb": "terabyte",
    "kwh": "kilowatt hour",
    "mph": "mile per hour",
}
"""Behind a number; in the plural but behind one."""
