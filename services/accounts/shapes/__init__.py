"""Wire JSON of KubeSphere 3.4 <-> accounts' domain."""
