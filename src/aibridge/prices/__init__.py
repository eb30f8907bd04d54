"""What a usage row costs, in whole micro-dollars: prices by model and date, and the arithmetic.

`aibridge.prices.book` finds a price and rates a row with it. No database and no settings; only
`aibridge.prices.installed` reads and writes a file.
"""
