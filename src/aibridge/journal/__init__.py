"""The journal: one append-only log of bytes a gateway process, which its keeper follows.

It lies in a folder, in segments of bounded size. A *position* says where an entry ends: the number
of the run, counted at each start of the process, and the bytes of the run's entries up to there. So
positions only ever grow, whatever was lost with a machine. A segment is named by the position where
its first entry begins.

`aibridge.journal.format` says what is in a segment, `aibridge.journal.writer` writes it, and
`aibridge.journal.reader` follows it, in this process or another.
"""
