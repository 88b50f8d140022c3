"""The project of the demonstration: a site, a queue and the experiment editor."""
