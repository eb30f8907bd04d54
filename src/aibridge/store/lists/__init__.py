"""Lists of interceptions and sessions, newest first: which match a filter, by page, and how many.

A list is walked back in time (`windows`). What a window holds is said by `interceptions`,
`active_sessions` and `found_sessions`, each with one statement of all conditions.
"""
