from datetime import timedelta, timezone

from django_q.kernel import clock


def test_moments_are_aware_and_in_utc():
    assert clock.now().tzinfo is timezone.utc
    assert clock.from_epoch(0).isoformat() == "1970-01-01T00:00:00+00:00"


def test_now_and_epoch_are_the_same_moment():
    assert abs(clock.now() - clock.from_epoch(clock.epoch())) < timedelta(seconds=5)


def test_monotonic_never_goes_back():
    assert clock.monotonic() <= clock.monotonic()


def test_a_negative_sleep_is_none():
    clock.sleep(-1)
    clock.sleep(0)
