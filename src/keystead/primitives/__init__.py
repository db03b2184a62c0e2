"""The one door to the cryptography library. Everything here composes published standards; nothing here invents."""
