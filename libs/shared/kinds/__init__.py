"""Our own kinds with Kubernetes' API manners: what an aggregated API server gives, from one declaration a kind."""
