"""The statements about user tasks: what django-user-tasks does or should, and the tests of ours for it."""

from django_q_tests.acceptance.statements import Statement, ours

_HERE = "contrib/user_tasks"
_TASKS, _TRANSITIONS = f"{_HERE}/test_tasks.py::", f"{_HERE}/test_transitions.py::"
_CONTAINERS, _CONCURRENCY = f"{_HERE}/test_containers.py::", f"{_HERE}/test_concurrency.py::"
_SIGNALS, _STORAGE, _PURGING = f"{_HERE}/test_signals.py::", f"{_HERE}/test_storage.py::", f"{_HERE}/test_purging.py::"
_VIEWS, _PERMISSIONS = f"{_HERE}/test_views.py::", f"{_HERE}/test_permissions.py::"
_RULES, _FILTERS, _LIVE = f"{_HERE}/test_rules.py::", f"{_HERE}/test_filters.py::", f"{_HERE}/test_live.py::"
_CLUSTERS = "process/test_user_tasks.py::"

STATEMENTS: dict[str, Statement] = {
    "UT-01": ours(
        "a call writes one pending row, in the transaction of the queue row",
        f"{_TASKS}test_a_call_has_a_row_from_the_beginning",
        f"{_TASKS}test_it_does_not_matter_how_a_task_is_enqueued",
        f"{_TASKS}test_a_rolled_back_call_leaves_neither_row",
    ),
    "UT-02": ours(
        "a rollback leaves neither row; no worker sees one without the other",
        f"{_TASKS}test_a_rolled_back_call_leaves_neither_row",
        f"{_CLUSTERS}test_what_is_enqueued_in_a_long_transaction_begins_after_its_end_with_its_row",
        f"{_CLUSTERS}test_in_a_race_with_the_worker_a_task_has_its_row_or_there_is_no_task",
    ),
    "UT-03": ours(
        "no user, or none such: a TypeError at the call, and nothing is queued",
        f"{_TASKS}test_a_call_without_a_user_is_refused_and_nothing_is_queued",
        f"{_TASKS}test_an_unknown_user_is_refused_and_nothing_is_queued",
    ),
    "UT-04": ours("arguments by name, defaults included", f"{_TASKS}test_arguments_are_known_by_their_names"),
    "UT-05": ours(
        "named like the function, with one step, unless told otherwise",
        f"{_TASKS}test_it_does_not_matter_how_a_task_is_enqueued",
    ),
    "UT-06": ours(
        "what naming and counting raise is raised at the call",
        f"{_TASKS}test_what_naming_and_counting_raise_is_raised_and_nothing_is_queued",
    ),
    "UT-07": ours(
        "long names are cut, great totals stored", f"{_TASKS}test_long_names_are_cut_and_great_totals_are_stored"
    ),
    "UT-08": ours("users whose keys are UUIDs", f"{_HERE}/test_users.py::test_the_key_of_a_user_may_be_a_uuid"),
    "UT-09": ours("sync mode", f"{_TASKS}test_in_sync_mode_the_row_is_there_and_succeeds"),
    "UT-10": ours(
        "plain tasks have no rows",
        f"{_TASKS}test_a_plain_task_has_no_row",
        f"{_CONTAINERS}test_plain_tasks_have_no_containers",
    ),
    "UT-11": ours(
        "a worker begins: in progress, and what waits above it, too",
        f"{_TASKS}test_a_worker_sets_a_task_in_progress_and_its_chain",
        f"{_TRANSITIONS}test_a_start_is_seen_above_where_something_waits",
        f"{_TRANSITIONS}test_a_failed_container_stays_failed_when_another_child_starts",
    ),
    "UT-12": ours(
        "a text of the task is its state, and that of the chain above, not of a group",
        f"{_TASKS}test_a_task_tells_what_it_does_and_succeeds",
        f"{_TRANSITIONS}test_a_state_of_its_own_is_shown_by_chains_and_not_by_groups",
        f"{_TRANSITIONS}test_states_are_translated_where_they_are_shown",
    ),
    "UT-13": ours(
        "steps of many at once add up exactly, never above the total; none are taken back",
        f"{_CONCURRENCY}test_steps_of_many_add_up_exactly",
        f"{_TRANSITIONS}test_steps_add_up_and_never_exceed_the_total",
        f"{_TRANSITIONS}test_steps_are_a_whole_number_that_is_not_negative",
    ),
    "UT-14": ours(
        "a return succeeds, with all steps", f"{_TASKS}test_steps_that_were_not_counted_are_done_at_the_end"
    ),
    "UT-15": ours(
        "an exception: failed all the way up, each with a text that is safe for users",
        f"{_TASKS}test_an_error_fails_with_a_text_that_tells_nothing_of_the_inside",
        f"{_TRANSITIONS}test_a_failure_is_told_all_the_way_up",
        f"{_CONTAINERS}test_the_steps_after_a_failure_end_as_canceled_and_the_chain_has_failed",
    ),
    "UT-16": ours("failed by hand stays failed", f"{_TASKS}test_a_task_that_fails_by_hand_stays_failed"),
    "UT-17": ours(
        "a retry counts, and leaves the container alone",
        f"{_TASKS}test_between_two_attempts_it_says_that_it_is_tried_again",
        f"{_TRANSITIONS}test_a_retry_counts_and_leaves_what_is_above_alone",
    ),
    "UT-18": ours(
        "a row that is deleted meanwhile is not missed; a setting writes it again",
        f"{_TASKS}test_a_row_that_was_deleted_meanwhile_is_not_missed",
        f"{_TASKS}test_a_row_that_was_deleted_before_the_task_began_is_not_made_again",
        f"{_TASKS}test_a_row_that_was_deleted_is_made_again_if_the_settings_say_so",
        f"{_TRANSITIONS}test_a_row_that_is_gone_is_passed_over",
    ),
    "UT-19": ours(
        "a dead worker, a time-out, the last attempt: failed, never in progress for ever",
        f"{_CLUSTERS}test_a_task_that_kills_its_worker_every_time_has_failed",
        f"{_CLUSTERS}test_a_task_that_takes_too_long_has_failed",
        f"{_TASKS}test_a_task_that_fails_at_its_last_attempt_has_failed",
        f"{_SIGNALS}test_what_left_the_queue_without_a_word_is_told_of_by_the_sweep",
    ),
    "UT-20": ours(
        "canceled while it waits: out of the queue, never run, told once after the commit",
        f"{_TASKS}test_a_waiting_task_that_is_canceled_leaves_the_queue_and_never_runs",
        f"{_SIGNALS}test_a_cancel_before_the_start_is_told_once_and_sees_it",
        f"{_SIGNALS}test_a_cancel_that_is_rolled_back_is_not_told",
    ),
    "UT-21": ours(
        "canceled while it runs: raised at the next step, no error, told once",
        f"{_CLUSTERS}test_a_running_task_that_is_canceled_ends_at_its_next_step",
        f"{_TASKS}test_a_running_task_that_is_canceled_ends_at_its_next_step",
        f"{_TRANSITIONS}test_what_was_canceled_stays_so_and_the_task_is_told",
        f"{_SIGNALS}test_the_end_of_a_run_is_told_once",
    ),
    "UT-22": ours(
        "canceled, and it never looks: it finishes and stays canceled, or is stopped by force",
        f"{_TASKS}test_a_running_task_that_does_not_listen_finishes_and_stays_canceled",
        f"{_CLUSTERS}test_a_running_task_that_does_not_listen_is_stopped_by_the_cluster_if_the_settings_say_so",
    ),
    "UT-23": ours(
        "what has ended is not canceled",
        f"{_TRANSITIONS}test_what_has_ended_is_not_canceled",
        f"{_SIGNALS}test_a_cancel_of_what_has_ended_tells_nothing",
    ),
    "UT-24": ours(
        "a container is canceled with all that has not ended, and told of once",
        f"{_TRANSITIONS}test_to_cancel_a_container_cancels_all_below_that_have_not_ended",
        f"{_SIGNALS}test_a_canceled_container_is_told_of_once_and_so_are_its_tasks",
        f"{_CLUSTERS}test_a_chain_and_a_chord_that_are_canceled_while_they_run_stop_and_go_no_further",
    ),
    "UT-25": ours(
        "a final state stays, until it is reset",
        f"{_TRANSITIONS}test_what_was_canceled_stays_so_and_the_task_is_told",
        f"{_TRANSITIONS}test_what_has_ended_keeps_its_state_and_the_log_tells_of_the_attempt",
        f"{_TRANSITIONS}test_only_a_reset_ends_a_final_state",
    ),
    "UT-26": ours(
        "containers for chains, groups and chords; foreign members are passed over",
        f"{_CONTAINERS}test_a_chain_has_a_row_above_those_of_its_user_tasks",
        f"{_CONTAINERS}test_an_iteration_is_a_group",
        f"{_CONTAINERS}test_a_chord_has_a_row_above_those_of_its_group_and_of_its_final_task",
        f"{_CONTAINERS}test_a_chord_is_named_by_the_first_that_says_how",
        f"{_CONTAINERS}test_a_chord_whose_final_task_is_none_of_a_user_has_its_group_only",
        f"{_CONTAINERS}test_a_chord_of_which_only_the_final_task_is_one_of_a_user_has_no_group",
        f"{_CONTAINERS}test_plain_tasks_have_no_containers",
    ),
    "UT-27": ours(
        "two last children at once: the container ends once",
        f"{_CONCURRENCY}test_the_last_two_children_end_their_container_once",
        f"{_CONCURRENCY}test_a_failure_and_the_last_success_end_their_container_once",
    ),
    "UT-28": ours(
        "containers of containers: steps, totals and states roll up",
        f"{_TRANSITIONS}test_steps_add_up_and_never_exceed_the_total",
        f"{_TRANSITIONS}test_a_total_grows_all_the_way_up",
        f"{_TRANSITIONS}test_a_container_succeeds_with_its_last_child",
        f"{_CONTAINERS}test_a_chord_runs_and_succeeds_at_its_end",
        f"{_CONTAINERS}test_a_chord_of_which_a_call_fails_has_failed_and_its_final_task_is_canceled",
        f"{_TRANSITIONS}test_a_failure_is_told_all_the_way_up",
    ),
    "UT-29": ours(
        "user_task_stopped: once for each row, containers included, after the commit; errors are logged",
        f"{_SIGNALS}test_the_end_of_a_run_is_told_once",
        f"{_SIGNALS}test_a_container_is_told_of_once_after_its_tasks",
        f"{_SIGNALS}test_a_chain_that_fails_tells_of_every_row_once",
        f"{_SIGNALS}test_a_receiver_that_raises_is_logged_and_changes_nothing",
        f"{_CONCURRENCY}test_cancel_from_above_meets_changes_from_below",
    ),
    "UT-30": ours(
        "each verb of the REST API answers each role with its code; bodies carry uuid and url",
        f"{_VIEWS}test_each_verb_answers_each_role_with_its_code",
        f"{_VIEWS}test_the_body_of_a_task_says_how_it_stands_and_what_it_made",
        f"{_VIEWS}test_the_body_of_an_artifact_says_what_it_is_and_where_its_task_is",
        f"{_HERE}/test_links.py::test_links_lead_from_a_task_to_its_artifact_and_back",
        f"{_HERE}/test_schema.py::test_a_server_does_what_the_description_says",
    ),
    "UT-31": ours(
        "owners need no permission, staff those of Django; rules for objects are honoured",
        f"{_PERMISSIONS}test_an_owner_needs_no_permission_for_what_is_his",
        f"{_PERMISSIONS}test_staff_may_do_with_all_rows_what_permissions_say",
        f"{_RULES}test_with_the_rules_as_they_are_each_role_may_do_what_it_may_without_them",
        f"{_RULES}test_a_rule_opens_a_row_that_no_list_shows",
        f"{_RULES}test_a_rule_takes_from_owners_what_was_theirs",
    ),
    "UT-32": ours(
        "no REST framework: all else works, and the API says what to install",
        f"{_HERE}/test_framework.py::test_everything_but_the_api_works_and_that_says_what_to_install",
    ),
    "UT-33": ours(
        "?state=, ?ordering= and pages; artifacts have an order",
        f"{_HERE}/test_parameters.py::test_a_list_of_tasks_is_selected_and_ordered",
        f"{_HERE}/test_parameters.py::test_artifacts_are_found_by_their_task_and_have_an_order",
        f"{_VIEWS}test_pages_of_the_project_hold_each_row_once",
    ),
    "UT-34": ours(
        "statuses and artifacts have filters of their own, read at use",
        f"{_FILTERS}test_each_setting_applies_to_its_own_list_from_then_on",
        f"{_FILTERS}test_filters_are_applied_one_after_the_other",
    ),
    "UT-35": ours(
        "files: the alias, else the path, else the default; read at use; no migration",
        f"{_STORAGE}test_the_alias_wins_over_the_path_and_the_path_over_the_default",
        f"{_STORAGE}test_the_settings_are_read_when_a_file_is_written",
        f"{_STORAGE}test_another_storage_makes_no_migration",
    ),
    "UT-36": ours(
        "what is old and has ended goes, with artifacts and files: task, schedule, command",
        f"{_PURGING}test_only_what_is_older_than_the_age_and_has_ended_goes",
        f"{_PURGING}test_a_chain_is_kept_while_one_of_its_tasks_runs_and_goes_as_a_whole",
        f"{_PURGING}test_files_go_with_their_rows_and_others_stay",
        f"{_PURGING}test_the_settings_say_the_age_and_the_task_purges",
        f"{_PURGING}test_the_documented_schedule_purges",
        f"{_PURGING}test_the_command_counts_or_deletes",
        f"{_PURGING}test_many_rows_go_in_batches",
    ),
    "UT-37": ours(
        "state_text is translated, state is not", f"{_TRANSITIONS}test_states_are_translated_where_they_are_shown"
    ),
    "UT-38": ours(
        "a task without a row is a 404",
        f"{_VIEWS}test_each_verb_answers_each_role_with_its_code",
        f"{_LIVE}test_what_does_not_exist_is_answered_as_what_may_not_be_seen",
        "browser/test_course_export.py::test_a_page_that_a_script_adds_to_waits_for_the_row",
    ),
}  # fmt: skip
