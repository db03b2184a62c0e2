"""Carries core protocols over real connections; decides nothing that a protocol's state machine decides."""
