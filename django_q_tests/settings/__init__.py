"""Settings of the test runs: one module per database, and one for the processes that tests start."""
