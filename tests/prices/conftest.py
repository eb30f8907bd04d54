import pytest

from aibridge.prices.book import PriceBook
from aibridge.prices.catalogue import Catalogue
from aibridge.prices.shipped import shipped_catalogue


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return shipped_catalogue()


@pytest.fixture(scope="session")
def book(catalogue: Catalogue) -> PriceBook:
    return PriceBook(catalogue)
