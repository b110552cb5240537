"""Where documents are kept: our own index, or a search server of the operator's."""
