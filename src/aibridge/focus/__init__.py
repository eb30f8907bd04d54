"""The FOCUS 1.2 export: usage rows as charges, for tools that read what clouds bill.

FOCUS is the FinOps Open Cost and Usage Specification: https://focus.finops.org. `parts` takes a
usage row apart, `windows` adds parts up over time, `columns` has what stands in each column, and
`files` writes them; `export` reads the record and does so piece by piece.
"""
