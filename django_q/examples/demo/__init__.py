"""The demonstration: a site, a cluster and the devices of the experiment editor, started and stopped together."""
