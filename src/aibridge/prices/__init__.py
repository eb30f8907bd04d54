"""What a usage row costs, in whole micro-dollars: prices by model and date, and the arithmetic.

Pure: no database, no settings. `aibridge.prices.book` finds a price and rates a row with it.
"""
