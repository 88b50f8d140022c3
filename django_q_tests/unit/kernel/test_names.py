from django_q.kernel import ids, names


def test_there_are_256_different_plain_words():
    assert len(names._WORDS) == 256
    assert len(set(names._WORDS)) == 256
    assert all(word.isascii() and word.isalpha() and word.islower() for word in names._WORDS)


def test_a_name_is_four_words():
    words = names.name_of(ids.new_id()).split("-")

    assert len(words) == 4
    assert set(words) <= set(names._WORDS)


def test_the_same_id_has_the_same_name():
    assert names.name_of("0" * 32) == names.name_of("0" * 32)


def test_ids_of_the_same_millisecond_have_different_names():
    made = {names.name_of(ids.new_id()) for _ in range(1000)}

    assert len(made) > 990
