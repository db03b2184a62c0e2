"""One recipe per process: configuration, clock, stores, service, listener; nothing else constructs, nothing global."""
