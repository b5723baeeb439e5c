"""What was spent, in a sentence: against its caps, never called free where prices are unknown."""

from training.chat.cost import Caps, Prices, Spending
from training.chat.endpoint import EndpointSpec
from training.chat.exchange import Usage


def said(used: Usage, prices: Prices | None = None, caps: Caps | None = None) -> str:
    spec = EndpointSpec("http://localhost/v1", "large", prices=prices or Prices(), caps=caps or Caps())
    return Spending.of("judge", spec, used).line()


def test_what_was_spent_stands_against_its_caps() -> None:
    prices, caps = Prices(1.0, 4.0, "EUR"), Caps(1000, 50_000, 5.0)
    line = said(Usage(12, 100_000, 100_000), prices, caps)
    assert line == (
        "The judge so far, in all builds of this name: 12 of at most 1,000 calls, 200,000 of at most 50,000 tokens, "
        "0.50 of at most 5 EUR."
    )
    assert "0.00012 EUR" in said(Usage(1, 100, 5), prices), "little is not nothing"
    assert said(Usage(1, 0, 0), prices).endswith("1 call, 0 tokens, 0.00 EUR.")


def test_what_is_not_known_is_said() -> None:
    assert said(Usage(2, 10, 10)).endswith("2 calls, 20 tokens, cost unknown, since no prices are given.")
    line = said(Usage(2, 100_000, 100_000, estimated_calls=1), Prices(1.0, 4.0))
    assert "about 200,000 tokens" in line and "about 0.50 USD" in line


def test_what_damage_hides_is_said() -> None:
    spec = EndpointSpec("http://localhost/v1", "large")
    assert "damaged" not in Spending.of("judge", spec, Usage()).line()
    one, more = (Spending.of("judge", spec, Usage(), lines).line() for lines in (1, 1200))
    assert "1 line of its ledger is damaged" in one and "what it cost is not counted" in one
    assert "1,200 lines of its ledger are damaged" in more
