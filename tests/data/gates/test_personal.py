"""Personal data and secrets: found in their forms, told from quantities and dates, gone after masking."""

import json
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.gates.samples import SOUP, SOUP_GOLD, gated, gates_of, plan, soup
from training.data.gates.personal import PERSONAL_KINDS, find, guard, luhn, mask
from training.data.gates.report import gate_report
from training.data.rows import canonical

# Put together here, so that no search for secrets in this repository stops at them.
TOKEN = "hf_" + "aB3dE6gH" * 4
KEYS = [
    TOKEN,
    "sk-" + "proj-" + "x1Y2z3" * 5,
    "ghp_" + "Ab1Cd2" * 6,
    "AKIA" + "ABCDEFGH12345678",
    "AIza" + "a1B2c3D4e5" * 3 + "abcde",
    "xoxb-" + "123456789012-abcdefghij",
    "eyJ" + "hbGciOiJIUzI1" + ".eyJ" + "zdWIiOiIxMjM0" + "." + "s1gnaturE_-s1g",
    "-----BEGIN " + "RSA PRIVATE KEY-----\nMIIB\nabc\n-----END RSA PRIVATE KEY-----",
]
CARDS = ["4111 1111 1111 1111", "5500-0000-0000-0004", "340000000000009", "3400 000000 00009", "4111111111111111"]
PHONES = [
    "+49 30 1234567", "+44 20 7946 0958", "+1 (555) 123-4567", "(555) 123-4567", "555-123-4567", "1-800-123-4567",
    "555.123.4567", "020 7946 0958", "07700 900123",
]  # fmt: skip
EMAILS = ["anna@kitchen.example", "a.b+soup@mail.kitchen.co.uk", "COOK_1@Kitchen.Example"]


@pytest.mark.parametrize(
    ("kind", "text"),
    [("key", key) for key in KEYS]
    + [("card", card) for card in CARDS]
    + [("phone", phone) for phone in PHONES]
    + [("e-mail", mail) for mail in EMAILS],
)
def test_each_form_is_found_inside_a_sentence(kind: str, text: str) -> None:
    assert [tuple(found) for found in find(f"Write this down: {text}, please.")] == [(kind, text)]


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Call me at 555 1234 567 after six", "555 1234 567"),
        ("Tel.: 0301234567", "0301234567"),
        ("password: hunter2hunter2", "hunter2hunter2"),
        ('api_key = "abc123def456"', "abc123def456"),
        ("Authorization: Bearer abc123def456ghi", "abc123def456ghi"),
    ],
)
def test_what_is_named_is_found(text: str, secret: str) -> None:
    assert [found.text for found in find(text)] == [secret]


@pytest.mark.parametrize(
    "text",
    [
        SOUP,
        "Bake at 180-200 degrees for 25-30 minutes, 350-400 g each, 2018-07-01, 12.05.2021, 01/02/2003 10:30:00",
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 cups, 1,000,000 views, 3.14159265358979, ISBN 978-3-16-148410-0",
        "4111 1111 1111 1112 has a wrong check digit; 10.1000/182 is an address of a paper, v1.2.3-4",
        "The secret: refrigerate overnight. The password is patience. Call 911. Follow @anna, mail me at home.",
        "100 200 300 g, 0.5 0.25 1000 2000, 20 000 000 dollars, +3 eggs, 1999-2003, $1 234 567",
        "sk-ate, hf_short, 12 tokens, key lime pie 100 g, bearer of good news",
    ],
)
def test_quantities_times_dates_and_talk_are_left_alone(text: str) -> None:
    assert find(text) == []


def test_luhn_by_hand() -> None:
    assert luhn("79927398713")
    assert not luhn("79927398710")
    assert not luhn("0") and not luhn("")


ROW = soup(
    source=f"{SOUP}\nAsk anna@kitchen.example or Anna@Kitchen.example, +49 30 1234567; {TOKEN}",
    gold=SOUP_GOLD | {"description": "Ask anna@kitchen.example", "keywords": "+49 30 1234567"},
    reasoning="The mail is anna@kitchen.example.",
)


def test_a_mask_keeps_gold_and_source_together() -> None:
    row, counts = mask(ROW)
    assert row.source.endswith("Ask [e-mail 1] or [e-mail 1], [phone 1]; [key 1]")
    assert row.gold == SOUP_GOLD | {"description": "Ask [e-mail 1]", "keywords": "[phone 1]"}
    assert row.reasoning == "The mail is [e-mail 1]."
    assert counts == {"e-mail": 1, "phone": 1, "key": 1}
    assert mask(row) == (row, {})


def test_a_masked_row_passes_all_gates_and_is_counted() -> None:
    results = gated([ROW])
    assert gates_of(results) == [()]
    assert results[0][0].notes["masked"] == {"e-mail": 1, "key": 1, "phone": 1}
    report = gate_report(results)
    assert (report.n_kept, report.n_masked, report.n_found) == (1, 1, 0)


def test_refuse_says_what_and_how_much_but_not_which() -> None:
    row, refusal = guard(ROW, plan(personal="refuse"))
    assert row == ROW
    assert refusal is not None and refusal.gate == "personal"
    assert refusal.evidence == "e-mail × 2, phone × 1"
    assert "kitchen" not in refusal.reason + refusal.evidence
    assert "a secret" in str(guard(ROW, plan(secrets="refuse")))


def test_find_leaves_the_text_and_notes_it() -> None:
    row, refusal = guard(ROW, plan(personal="find", secrets="find"))
    assert refusal is None
    assert row.source == ROW.source
    assert row.notes["found"] == {"e-mail": 2, "key": 1, "phone": 1}
    assert gate_report([(row, ())]).n_found == 1


def test_each_policy_is_its_own() -> None:
    row, _ = guard(ROW, plan(personal="off", secrets="mask"))
    assert "anna@kitchen.example" in row.source and TOKEN not in row.source
    assert guard(ROW, plan(personal="off", secrets="off")) == (ROW, None)
    row, _ = guard(ROW, plan(personal="find", secrets="mask"))
    assert row.notes == {"found": {"e-mail": 2, "phone": 1}, "masked": {"key": 1}}


def test_a_text_answer_is_masked_too() -> None:
    row, _ = mask(soup(gold="RECIPE: Soup\nBy anna@kitchen.example\n[END]"))
    assert row.gold == "RECIPE: Soup\nBy [e-mail 1]\n[END]"


SECRETS = st.sampled_from([*EMAILS, *PHONES, *CARDS, *KEYS])
FILLER = st.text(alphabet=string.ascii_letters + string.digits + " .,-+()@:_=\n\u00e9", max_size=12)
TEXTS = st.lists(st.one_of(SECRETS, FILLER, st.sampled_from(["password: ", "call ", "tel "])), max_size=8).map("".join)


@settings(max_examples=100, deadline=None)
@given(TEXTS, TEXTS, st.dictionaries(TEXTS, TEXTS, max_size=2))
def test_masking_leaves_nothing_of_what_was_found(source: str, said: str, gold: dict[str, str]) -> None:
    row = soup(source=source, gold={**gold, "steps": [said, {"text": source}]}, reasoning=said)
    before = {found.text for text in (source, said, *gold, *gold.values()) for found in find(text)}
    after, counts = mask(row)
    everything = (after.source, canonical(after.gold), after.reasoning)
    for secret in before:
        assert not any(json.dumps(secret, ensure_ascii=False)[1:-1] in text or secret in text for text in everything)
    assert not any(find(text) for text in (after.source, after.reasoning, *after.gold, *after.gold["steps"][:1]))
    assert bool(counts) == bool(before)
    assert after.source == after.gold["steps"][1]["text"], "the same words are masked the same way everywhere"


@given(TEXTS)
def test_one_kind_is_masked_without_the_other(source: str) -> None:
    after, counts = mask(soup(source=source, gold={}), PERSONAL_KINDS)
    assert set(counts) <= set(PERSONAL_KINDS)
    assert find(after.source, PERSONAL_KINDS) == []


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    assert find(mask(soup(source=text, gold={}))[0].source) == []
