"""How fast it is: ``python -m django_q_tests.benchmarks``, see ``--help``.

Each run has a database of its own and a real ``qcluster`` with nothing set but the number of workers. An application is
listed so that statements can be counted where they are made (:mod:`.counting`).
"""
