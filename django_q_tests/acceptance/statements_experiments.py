"""The statements about the experiment editor: what the application before it did or should, and our tests for it."""

from django_q_tests.acceptance.statements import Statement, ours

_BOOKINGS, _COLLECTING = "examples/test_bookings.py::", "examples/test_collecting.py::"
_TASKS, _MAILS = "examples/test_experiment_tasks.py::", "examples/test_mails.py::"
_NOTIFY, _OPTIONS, _LINE = "examples/test_notify.py::", "examples/test_options.py::", "examples/test_time_line.py::"
_EXPERIMENTS, _SIMULTANEOUS = "examples/test_experiments.py::", "examples/test_simultaneous_bookings.py::"
_PROCESSES, _BROWSER = "process/test_booking.py::", "browser/test_experiments.py::"
_DOCS = "architecture/test_docs_of_the_editor.py::"

STATEMENTS: dict[str, Statement] = {
    "EX-01": ours(
        "nine documented names; the functions are proxies, the addresses come from settings",
        f"{_OPTIONS}test_the_documented_names_are_importable",
        f"{_DOCS}test_everything_that_the_application_before_this_one_had_is_described",
        f"{_COLLECTING}test_every_url_is_read_when_it_is_used",
        f"{_COLLECTING}test_the_names_of_the_module_are_the_defaults",
    ),
    "EX-02": ours("schedule= is a moment or a delay", f"{_LINE}test_a_task_can_be_called_by_anybody_for_any_time"),
    "EX-03": ours(
        "one reminder, with both times in words",
        f"{_MAILS}test_the_reminder_says_in_words_when_the_experiment_starts_and_ends",
        f"{_MAILS}test_a_reminder_that_was_sent_is_not_sent_again",
    ),
    "EX-04": ours(
        "200 and nothing: one POST of the JSON, one task after the end, one notification",
        f"{_TASKS}test_the_engine_gets_the_experiment_and_the_results_are_asked_for_later",
        f"{_EXPERIMENTS}test_the_body_for_the_engine_has_the_form_that_it_expects",
    ),
    "EX-05": ours("200 and a text is an error", f"{_TASKS}test_an_engine_that_says_200_with_an_error_is_noticed"),
    "EX-06": ours(
        "4xx ends it with the code; 5xx and silence are tried again until the start, and told once",
        f"{_TASKS}test_an_engine_that_refuses_is_not_asked_again",
        f"{_TASKS}test_an_engine_in_trouble_is_asked_again_before_the_start",
        f"{_TASKS}test_an_engine_that_does_not_exist_is_asked_again_too",
        f"{_TASKS}test_an_engine_in_trouble_until_the_start_is_told_once",
        f"{_LINE}test_an_engine_in_trouble_is_asked_until_the_start_and_no_longer",
    ),
    "EX-07": ours(
        "what was posted is not posted again",
        f"{_TASKS}test_a_retry_does_not_post_again",
        f"{_PROCESSES}test_a_worker_that_is_killed_while_the_engine_answers_starts_the_experiment_once",
        f"{_BROWSER}test_a_worker_that_is_killed_while_the_engine_answers_is_not_seen_by_the_user",
    ),
    "EX-08": ours(
        "no device holds a worker",
        f"{_TASKS}test_an_engine_in_trouble_is_asked_again_before_the_start",
        f"{_TASKS}test_an_answer_that_trickles_does_not_hold_a_worker",
    ),
    "EX-09": ours(
        "series first, then the log part by part; incomplete until the last",
        f"{_COLLECTING}test_plots_come_first_and_then_the_log_in_its_order",
        f"{_COLLECTING}test_plots_and_log_are_stored",
        f"{_EXPERIMENTS}test_a_long_log_takes_no_more_memory_than_one_of_its_parts",
        f"{_EXPERIMENTS}test_a_part_that_fails_in_the_middle_leaves_nothing",
    ),
    "EX-10": ours(
        "an error of a plot is told with its code, the rest is stored, a later try completes it",
        f"{_COLLECTING}test_a_plot_that_fails_holds_the_log_back_and_keeps_the_other_plot",
        f"{_COLLECTING}test_the_next_attempt_asks_only_for_what_is_missing",
        f"{_COLLECTING}test_a_later_try_completes_what_was_given_up",
        f"{_BOOKINGS}test_an_experiment_whose_results_cannot_be_had_keeps_its_booking",
    ),
    "EX-11": ours(
        "the log goes on at the part that failed",
        f"{_COLLECTING}test_the_log_is_resumed_at_the_part_that_failed",
        f"{_PROCESSES}test_workers_that_are_killed_while_the_logger_answers_lose_and_double_nothing",
    ),
    "EX-12": ours(
        "all stored: no booking, not scheduled, a notification",
        f"{_COLLECTING}test_when_all_is_stored_the_booking_ends_and_the_owner_is_told",
        f"{_BOOKINGS}test_an_experiment_is_scheduled_from_its_booking_to_its_results",
    ),
    "EX-13": ours(
        "the mail at the end has title and link, with a scheme",
        f"{_MAILS}test_the_mail_at_the_end_names_the_experiment_and_the_address_of_its_results",
        f"{_MAILS}test_an_address_gets_a_scheme_only_if_it_has_none",
    ),
    "EX-14": ours(
        "tasks go, or move, with their booking; one without its row ends at once",
        f"{_BOOKINGS}test_a_canceled_booking_takes_its_tasks_with_it",
        f"{_BOOKINGS}test_a_deleted_experiment_takes_its_tasks_with_it",
        f"{_BOOKINGS}test_a_booking_that_is_moved_takes_its_tasks_along",
        f"{_BOOKINGS}test_rows_that_somebody_deletes_take_what_hangs_on_them_along",
        f"{_TASKS}test_a_task_of_a_deleted_experiment_ends_quietly",
    ),
    "EX-15": ours(
        "slots do not overlap, nor enclose each other, nor last longer than 4 h",
        f"{_BOOKINGS}test_two_slots_must_not_touch",
        f"{_BOOKINGS}test_a_slot_of_more_than_four_hours_is_refused",
        f"{_SIMULTANEOUS}test_slots_that_touch_in_any_way_are_never_given_together",
        f"{_PROCESSES}test_two_bookings_at_the_same_moment_do_not_get_the_same_slot",
    ),
    "EX-16": ours(
        "notify writes our own rows, or another callable of the same shape is used",
        f"{_NOTIFY}test_a_notification_is_written_for_a_user",
        f"{_NOTIFY}test_a_group_a_queryset_and_a_list_are_recipients_too",
        f"{_NOTIFY}test_another_callable_of_the_same_shape_can_deliver",
        f"{_NOTIFY}test_a_signal_as_that_of_django_notifications_can_deliver",
    ),
    "EX-17": ours(
        "the whole time line with devices in the process and a clock that is set",
        f"{_LINE}test_a_booking_goes_its_way_to_the_results",
    ),
    "EX-18": ours(
        "slugs are letters and digits, and end with the key",
        f"{_EXPERIMENTS}test_a_slug_is_made_of_the_words_of_the_title",
        f"{_EXPERIMENTS}test_an_experiment_knows_its_slug_and_its_length",
    ),
}
