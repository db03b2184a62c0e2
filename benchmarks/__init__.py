"""What Keystead costs: programs that start the real processes, load them and print what was measured.

Nothing here passes or fails. Machines differ, so what counts is the ratio to the bare HTTP echo of the same run; goals
are printed beside what was measured, never asserted.
"""
