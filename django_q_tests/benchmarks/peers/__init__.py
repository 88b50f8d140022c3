"""Programs that do the common work with other packages; each runs in the environment of its package, see :mod:`.ask`.

None of them imports anything of ours: two of the packages are called django_q. What drives them is
:mod:`django_q_tests.benchmarks.driving`.
"""
