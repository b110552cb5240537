"""Events as the services tell them, generated from `proto/`; importing one is all that services share."""
