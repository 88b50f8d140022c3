"""The statements about ``@background``: what django-background-tasks does or should, and the tests of ours for it."""

from django_q_tests.acceptance.statements import Statement, ours

_HERE = "contrib/background"
_CALLS, _DECORATOR = f"{_HERE}/test_calls.py::", f"{_HERE}/test_decorator.py::"
_ENDINGS, _SCHEDULES = f"{_HERE}/test_endings.py::", f"{_HERE}/test_schedules.py::"
_OPTIONS, _TASKS, _MANY = f"{_HERE}/test_options.py::", f"{_HERE}/test_tasks.py::", f"{_HERE}/test_many_rows.py::"
_RUNNER, _OUTAGE = "process/test_process_tasks.py::", "process/test_outage.py::"
_MAINTAINER = "integration/cluster/test_maintainer.py::"

STATEMENTS: dict[str, Statement] = {
    "BG-01": ours(
        "the decorator, bare or with values, returns a proxy", f"{_DECORATOR}test_the_decorator_returns_a_proxy"
    ),
    "BG-02": ours(
        "a call writes one pending row and returns it; nothing has run",
        f"{_DECORATOR}test_a_call_writes_one_pending_row_and_returns_it",
        f"{_DECORATOR}test_a_row_that_was_just_made_says_what_the_stored_one_does",
    ),
    "BG-03": ours(
        "schedule in all its forms; the call wins part by part",
        f"{_DECORATOR}test_a_call_can_be_put_off",
        f"{_DECORATOR}test_the_call_wins_over_the_decorator",
        f"{_SCHEDULES}test_a_delay_is_a_number_a_timedelta_a_dict_or_a_schedule",
        f"{_SCHEDULES}test_what_one_schedule_says_wins_part_by_part",
        f"{_CALLS}test_a_priority_of_the_call_wins_over_that_of_its_schedule",
    ),
    "BG-04": ours(
        "schedule=0 at the call means now",
        f"{_DECORATOR}test_zero_and_the_past_mean_now",
        f"{_SCHEDULES}test_a_delay_of_zero_wins_over_a_longer_one",
    ),
    "BG-05": ours(
        "the past is due at once; a naive datetime is in the current zone, with a warning",
        f"{_DECORATOR}test_zero_and_the_past_mean_now",
        f"{_DECORATOR}test_a_datetime_without_a_zone_is_read_in_the_current_one",
    ),
    "BG-06": ours(
        "schedule=timezone.now() in a decorator means now",
        f"{_DECORATOR}test_the_moment_at_which_a_decorator_was_read_means_now",
    ),
    "BG-07": ours(
        "what JSON cannot hold is a TypeError at the call",
        f"{_DECORATOR}test_an_argument_that_json_cannot_hold_is_a_type_error_and_writes_nothing",
        f"{_DECORATOR}test_tuples_arrive_as_lists_and_keys_as_texts",
    ),
    "BG-08": ours("now() runs here", f"{_DECORATOR}test_now_runs_here_and_writes_nothing"),
    "BG-09": ours(
        "not before its time, soon after it", f"{_RUNNER}test_nothing_runs_before_its_time_and_all_soon_after_it"
    ),
    "BG-10": ours(
        "priority, DESC or ASC, then the older moment",
        f"{_CALLS}test_the_greater_priority_runs_first",
        f"{_CALLS}test_the_smaller_priority_runs_first_if_the_settings_say_so",
        f"{_CALLS}test_of_equal_priority_what_was_due_earlier_runs_first",
    ),
    "BG-11": ours(
        "a worker of one queue leaves the others alone, one of all serves all",
        f"{_RUNNER}test_one_queue_is_served_if_one_is_named_and_every_queue_otherwise",
        f"{_RUNNER}test_a_queue_that_appears_later_is_served_at_once",
    ),
    "BG-12": ours("ten workers, one row, one run", f"{_RUNNER}test_one_row_is_run_once_by_ten_workers"),
    "BG-13": ours(
        "an error: attempts, last_error, attempts^4 + 5 seconds, unlocked, signals",
        f"{_ENDINGS}test_after_an_error_a_task_rests_for_attempts_to_the_fourth_and_five_seconds",
        f"{_ENDINGS}test_an_error_is_told_in_this_order",
    ),
    "BG-14": ours(
        "the last attempt, or InvalidTaskError: completed with failed_at",
        f"{_ENDINGS}test_the_last_attempt_makes_a_completed_task_that_failed",
        f"{_ENDINGS}test_an_invalid_task_fails_at_once",
        f"{_ENDINGS}test_a_failure_for_good_is_told_in_this_order",
    ),
    "BG-15": ours(
        "a success: completed with its times and its result",
        f"{_CALLS}test_a_success_is_a_completed_task_with_its_times_and_its_result",
        f"{_ENDINGS}test_a_success_is_told_in_this_order",
    ),
    "BG-16": ours(
        "repetitions on an exact grid, none beyond its end",
        f"{_ENDINGS}test_after_a_success_one_repetition_is_due_exactly_one_period_later",
        f"{_ENDINGS}test_after_a_long_pause_there_is_one_repetition_on_the_same_grid",
        f"{_ENDINGS}test_nothing_is_repeated_beyond_its_end",
        f"{_ENDINGS}test_what_failed_for_good_repeats_only_if_the_settings_say_so",
        f"{_RUNNER}test_a_repeating_task_is_repeated",
    ),
    "BG-17": ours("a retry keeps the grid", f"{_ENDINGS}test_a_retry_keeps_the_grid"),
    "BG-18": ours(
        "remove_existing_tasks takes back what waits, not what runs",
        f"{_CALLS}test_remove_existing_tasks_takes_equal_ones_back_and_lets_the_running_one_go_on",
    ),
    "BG-19": ours(
        "the actions for equal calls, from many processes at once",
        f"{_RUNNER}test_of_many_processes_that_make_the_same_call_one_enqueues_it",
        f"{_CALLS}test_check_existing_enqueues_once_and_returns_none_the_second_time",
        f"{_CALLS}test_reschedule_existing_moves_an_equal_call_in_time_and_priority",
    ),
    "BG-20": ours(
        "creator, whatever its key, and verbose name",
        f"{_CALLS}test_a_creator_and_a_verbose_name_are_kept_filtered_by_and_completed",
        f"{_CALLS}test_a_creator_whose_key_is_no_number_is_found",
        f"{_ENDINGS}test_after_a_success_one_repetition_is_due_exactly_one_period_later",
    ),
    "BG-21": ours(
        "a worker, or a whole runner, is killed: the row runs again",
        f"{_RUNNER}test_a_task_whose_worker_was_killed_runs_again",
        f"{_RUNNER}test_a_task_whose_runner_was_killed_is_run_by_another_one",
    ),
    "BG-22": ours(
        "longer than a lease with a living worker: not twice",
        f"{_RUNNER}test_a_task_that_is_longer_than_a_lease_is_not_started_twice",
    ),
    "BG-23": ours(
        "signals and --duration: what runs finishes, or goes back; exit code 0",
        f"{_RUNNER}test_at_a_signal_what_runs_finishes_and_it_ends_well",
        f"{_RUNNER}test_a_task_that_does_not_end_within_the_grace_goes_back",
        f"{_RUNNER}test_when_its_time_is_over_what_runs_finishes",
    ),
    "BG-24": ours(
        "tasks are found by AppConfig too; an ImportError names the application",
        f"{_TASKS}test_the_tasks_of_an_application_are_found_however_it_is_named",
        f"{_TASKS}test_an_error_in_the_tasks_of_an_application_is_raised_with_its_name",
        f"{_RUNNER}test_tasks_that_cannot_be_imported_are_named_with_their_application",
    ),
    "BG-25": ours(
        "a name that nobody has: a warning a minute, and the row stays",
        f"{_RUNNER}test_a_task_that_nobody_knows_waits_for_who_does",
        "unit/engine/test_decision.py::test_a_patient_row_waits_for_ever_and_is_spoken_of_once_a_minute",
    ),
    "BG-26": ours(
        "a receiver that raises is logged, and nothing else happens",
        f"{_ENDINGS}test_receivers_that_raise_are_logged_and_change_nothing",
    ),
    "BG-27": ours(
        "SystemExit and KeyboardInterrupt are errors of an attempt",
        f"{_RUNNER}test_a_task_that_tries_to_take_the_process_along_is_tried_again",
        f"{_ENDINGS}test_a_task_that_leaves_the_process_is_tried_again",
    ),
    "BG-28": ours("a rollback leaves no row", f"{_CALLS}test_a_rollback_leaves_neither_row"),
    "BG-29": ours(
        "completed rows go by age and number, with the history",
        f"{_MAINTAINER}test_the_history_is_pruned_by_age_and_outcome",
        f"{_MAINTAINER}test_so_many_successes_are_kept_and_every_failure",
        f"{_CALLS}test_completed_rows_go_with_the_history",
        f"{_CALLS}test_what_was_taken_back_leaves_no_row_when_it_is_swept_up",
    ),
    "BG-30": ours(
        "--duration --sleep --queue --log-std --dev; qcluster runs the same rows",
        f"{_RUNNER}test_when_its_time_is_over_what_runs_finishes",
        f"{_RUNNER}test_options_reach_the_workers_however_they_start",
        f"{_RUNNER}test_the_log_goes_to_standard_output_if_asked_to",
        f"{_RUNNER}test_qcluster_runs_the_same_rows",
        "process/test_process_tasks_reloading.py::test_with_dev_the_code_on_the_disk_is_run",
    ),
    "BG-31": ours(
        "our settings win over the old global names", f"{_OPTIONS}test_old_names_count_where_ours_say_nothing"
    ),
    "BG-32": ours(
        "100 000 pending rows: an indexed query with LIMIT",
        f"{_MANY}test_what_runs_next_is_claimed_and_found_along_an_index",
        f"{_MANY}test_calls_that_are_put_off_are_in_nobodys_way",
    ),
    "BG-33": ours(
        "an outage of the database: a warning, and it goes on",
        f"{_OUTAGE}test_an_outage_of_twenty_seconds_is_nobodys_death",
        f"{_OUTAGE}test_short_outages_one_after_the_other_double_nothing",
    ),
}  # fmt: skip
