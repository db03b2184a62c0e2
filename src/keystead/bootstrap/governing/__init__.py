"""What operators do from the command line: look at the domain, ask for a change, sign it, have it installed.

Everything that decides is in ``core/domain``; here are files, terminals and connections.
"""
