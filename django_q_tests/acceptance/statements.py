"""The statements about Django Q, what the real Django Q2 makes of each, and the tests of our own suite that show ours.

The tests below ``shared`` name their statements themselves; they run against both packages.
"""

from dataclasses import dataclass, field
from enum import Enum


class Peer(Enum):
    """How Django Q2 stands to a statement."""

    SAME = "same"  # a shared test passes with both
    CHANGED = "changed"  # we do otherwise on purpose
    LACKS = "here only"  # it does not do this, or has a defect there
    OTHER = "ours"  # a statement about another system, which is not run beside ours


@dataclass(frozen=True)
class Statement:
    """One statement in a few words, and the tests of our suite for it."""

    words: str
    peer: Peer = Peer.SAME
    note: str = ""
    tests: tuple[str, ...] = field(default=())


def same(words: str, *tests: str) -> Statement:
    return Statement(words, Peer.SAME, "", tests)


def changed(words: str, note: str, *tests: str) -> Statement:
    return Statement(words, Peer.CHANGED, note, tests)


def lacks(words: str, note: str, *tests: str) -> Statement:
    return Statement(words, Peer.LACKS, note, tests)


def ours(words: str, *tests: str) -> Statement:
    return Statement(words, Peer.OTHER, "", tests)


TASKS = "integration/tasks"
STATEMENTS = {
    "1": same("a call gives a 32-digit id and one row"),
    "2": same("a function by path or as an object"),
    "3": same("options as keywords", f"{TASKS}/test_enqueue.py::test_options_are_kept_where_they_belong"),
    "4": same("options in q_options win"),
    "5": changed(
        "unknown q_options", "raises and names the nearest; the caller's dict is left alone",
        "unit/tasks/test_options.py::test_an_unknown_key_of_q_options_names_the_nearest_one",
        "unit/tasks/test_options.py::test_the_callers_q_options_are_left_alone",
    ),
    "6": same("task_name, else four words"),
    "7": same("pre_enqueue may change the task"),
    "8": same("broker before cluster"),
    "9": same("a rollback leaves no row"),
    "10": lacks(
        "no new connection", "it reconnects at each call outside of a transaction",
        f"{TASKS}/test_enqueue.py::test_enqueueing_outside_of_a_transaction_is_one_statement",
        f"{TASKS}/test_transactions.py::test_the_callers_connection_stays_open",
    ),
    "11": same("models, moments, decimals, long texts"),
    "12": same("a lambda is refused"),
    "13": same("result and fetch by id and name, with wait"),
    "14": same("falsy results"),
    "15": same("the columns of a Task"),
    "16": changed(
        "started", "the pick-up; enqueued_at stands beside it",
        f"{TASKS}/test_results.py::test_a_task_knows_when_it_ran_and_how_long",
    ),
    "17": same("a failure's text and its place"),
    "18": changed(
        "unknown function", "given back for a worker that knows it; a failure after unknown_task_grace",
        "process/test_bad_input.py::test_a_function_that_does_not_exist_is_given_back_and_fails_in_the_end",
    ),
    "19": changed(
        "later outcomes", "nothing overwrites a recorded outcome",
        "process/test_two_clusters.py::test_a_late_success_changes_nothing_of_what_the_rescuer_does",
    ),
    "20": same(
        "save and save_limit", "integration/cluster/test_maintainer.py::test_so_many_successes_are_kept_of_each",
        "integration/cluster/test_maintainer.py::test_so_many_successes_are_kept_and_every_failure",
        "integration/cluster/test_maintainer.py::test_a_limit_of_0_keeps_all_successes_whatever_their_age",
    ),
    "21": lacks(
        "fetch with duplicate names", "it raises MultipleObjectsReturned",
        f"{TASKS}/test_results.py::test_the_newest_of_several_tasks_with_one_name_is_found",
    ),
    "22": same("result_group and fetch_group"),
    "23": same("count_group"),
    "24": same("count waits"),
    "25": same("delete_group"),
    "26": same("groups from a Task"),
    "27": same("cached results"),
    "28": same("deleting cached results"),
    "29": lacks(
        "cached for all; hooks of cached tasks", "it calls no hook of a cached task",
        f"{TASKS}/test_groups.py::test_the_hook_of_a_cached_task_is_called",
        f"{TASKS}/test_groups.py::test_the_setting_sends_all_reading_to_the_cache",
        f"{TASKS}/test_results.py::test_the_settings_may_send_all_results_to_the_cache",
    ),
    "30": same("async_iter", f"{TASKS}/test_iterations.py::test_a_hook_is_not_called_and_a_warning_says_so"),
    "31": lacks(
        "async_iter of anything, in order, without a cache", "no items never end there, and it needs a shared cache",
        f"{TASKS}/test_iterations.py::test_no_items_give_an_empty_list_at_once",
        f"{TASKS}/test_iterations.py::test_anything_that_can_be_iterated_over_will_do",
        f"{TASKS}/test_iterations.py::"
        "test_the_result_is_the_list_of_all_results_in_the_order_of_the_items_and_needs_no_cache",
    ),
    "32": same("Iter"),
    "33": same("async_chain", f"{TASKS}/test_chains.py::test_the_callers_list_is_left_as_it_was"),
    "34": same("Chain"),
    "35": changed(
        "a failed link", "ends the chain; on_failure='continue' for the old way",
        f"{TASKS}/test_chains.py::test_a_failed_step_ends_the_chain_and_each_later_step_says_which_one_failed",
        f"{TASKS}/test_chains.py::test_a_chain_goes_on_after_a_failure_if_asked_to",
        f"{TASKS}/test_chains.py::test_a_step_that_is_tried_again_releases_the_next_one_once",
    ),
    "36": lacks(
        "chains that save nothing", "it stops after the first link, silently",
        f"{TASKS}/test_chains.py::test_a_chain_needs_no_row_of_history_to_go_on",
    ),
    "37": same("AsyncTask"),
    "38": changed(
        "sync", "records, runs the hook, then raises",
        f"{TASKS}/test_inline.py::test_a_task_runs_at_once_and_leaves_the_same_row",
        f"{TASKS}/test_inline.py::test_the_hook_of_a_failure_is_called_before_the_exception_is_raised",
        f"{TASKS}/test_inline.py::test_the_settings_make_every_task_run_at_once_unless_it_says_otherwise",
    ),
    "39": same("sync in a transaction", f"{TASKS}/test_inline.py::test_the_callers_connection_stays_open"),
    "40": same(
        "sizes of queues; what is not finished comes back",
        "process/test_two_clusters.py::test_a_host_that_died_is_taken_over_by_default_within_fifteen_seconds",
    ),
    "41": same("ack_failures and max_attempts"),
    "42": same(
        "attempts are counted, deaths too",
        "process/test_worker_deaths.py::test_a_poison_task_ends_as_a_failure_that_says_how_it_died",
    ),
    "43": lacks(
        "a task longer than the lease runs once", "it runs it again after retry seconds",
        "process/test_two_clusters.py::test_a_task_that_runs_longer_than_the_lease_runs_once",
    ),
    "44": lacks(
        "kill -9 of a worker", "an idle worker that is killed stops its cluster for good",
        "process/test_worker_deaths.py::test_a_task_whose_worker_is_killed_crashes_once_and_runs_again",
        "process/test_worker_deaths.py::test_an_idle_worker_that_is_killed_is_replaced",
    ),
    "45": same("two clusters, each task once"),
    "46": lacks(
        "wrongly signed rows", "it deletes them without a trace",
        "process/test_bad_input.py::test_a_payload_signed_with_another_key",
        "process/test_bad_input.py::test_a_truncated_payload",
    ),
    "47": lacks(
        "SECRET_KEY_FALLBACKS", "it ignores them and deletes what it cannot verify",
        "unit/test_conf.py::test_a_payload_is_signed_with_the_secret_key_and_read_with_its_fallbacks",
    ),
    "48": same("time limits", "process/test_limits.py::test_a_task_at_its_limit_may_tidy_up"),
    "49": lacks(
        "a task that swallows everything", "it may run on, or be killed without a row",
        "process/test_limits.py::test_a_task_that_ignores_its_limit_is_killed_and_its_seat_filled",
    ),
    "50": same("recycle and max_rss"),
    "51": lacks(
        "a result that cannot be pickled", "it runs the task again for ever",
        "process/test_worker_deaths.py::test_a_result_that_cannot_be_pickled_is_a_failure_that_says_so",
    ),
    "52": lacks(
        "async def", "it loses the coroutine",
        "process/test_worker.py::test_coroutines_run_beside_each_other_and_beside_functions",
        f"{TASKS}/test_inline.py::test_every_kind_of_function_runs",
    ),
    "53": same("signals"),
    "54": same("hooks"),
    "55": same(
        "error reporters", "process/test_reporters.py::test_a_reporter_of_an_installed_package_is_told_by_the_worker"
    ),
    "56": changed(
        "text of schedules", "old rows come through qmigrate_from; a name is taken once",
        "process/test_moving_in.py::test_everything_that_a_real_package_left_is_moved_and_runs",
        f"{TASKS}/test_schedules.py::test_a_name_is_taken_once",
        f"{TASKS}/test_schedules.py::test_arguments_keep_their_types",
    ),
    "57": same(
        "kinds of schedules",
        "unit/kernel/test_recurrence.py::test_the_time_on_the_wall_is_kept_across_clock_changes",
    ),
    "58": same("repeats"),
    "59": same("catch_up", f"{TASKS}/test_firing.py::test_one_run_may_stand_for_all_that_were_missed"),
    "60": same("cron", "unit/kernel/test_recurrence.py::test_around_clock_changes_cron_is_that_of_cronsim"),
    "61": same(
        "intended_date_kwarg", f"{TASKS}/test_schedules.py::test_what_cannot_be_scheduled_is_refused_by_field"
    ),
    "62": same(
        "cluster and options of schedules",
        f"{TASKS}/test_firing.py::test_a_schedule_without_a_cluster_goes_to_the_usual_queue_whoever_fires_it",
    ),
    "63": same("task, success() and last_run()"),
    "64": same(
        "arguments from text; a bad row stops nobody",
        f"{TASKS}/test_firing.py::test_a_schedule_that_cannot_run_does_not_stop_the_others",
    ),
    "65": lacks(
        "within a second, once", "it looks every 30 seconds",
        "process/test_schedules.py::test_schedules_fire_within_a_second_of_their_moment",
        "process/test_schedules.py::test_two_clusters_fire_every_moment_once",
    ),
    "66": changed(
        "its databases", "both stand side by side; rows come through qmigrate_from",
        "process/test_moving_in.py::test_everything_that_a_real_package_left_is_moved_and_runs",
    ),
    "67": changed(
        "its pickles", "read by qmigrate_from, the unsigned ones with --trust-pickles",
        "process/test_moving_in.py::test_everything_that_a_real_package_left_is_moved_and_runs",
    ),
    "68": same("proxies and OrmQ", "integration/test_old_names.py::test_a_package_that_cannot_be_read_tells_the_error"),
    "69": lacks(
        "routers and the alias", "not run there: it parts queue and history over two databases",
        "unit/test_checks.py::test_a_router_that_parts_our_tables_is_an_error",
        "integration/admin/test_other_database.py::test_all_of_it_works_when_the_queue_is_in_another_database",
    ),
    "70": changed(
        "settings", "no warning at import: a system check",
        "unit/kernel/test_old_names.py::test_each_can_be_read",
        "unit/kernel/test_old_names.py::test_a_test_may_set_one_and_set_it_back",
        "unit/test_conf.py::test_keys_of_django_q_two_without_use_are_accepted",
        "unit/test_conf.py::test_an_alternative_cluster_overrides_the_common_settings",
        "unit/test_conf.py::test_the_environment_chooses_the_queue",
    ),
    "71": lacks(
        "the logger django-q", "ours is django_q; a configured django-q gets its records, an unconfigured one nothing",
        "unit/kernel/test_logs.py::test_a_logger_of_django_q_that_is_configured_receives_our_records",
        "unit/kernel/test_logs.py::test_without_either_nothing_changes",
    ),
    "72": same(
        "qcluster and signals, to the group too",
        "process/test_signals.py::test_an_idle_process_group_stops_at_once",
        "process/test_signals.py::test_the_group_of_a_busy_cluster_loses_no_task",
    ),
    "73": same("qinfo, qmonitor and qmemory", "unit/test_conf.py::test_passwords_are_not_shown"),
    "74": lacks(
        "no orphans", "children of a killed sentinel run on",
        "process/test_sentinel_death.py::test_the_children_of_a_killed_sentinel_are_gone_within_two_seconds",
    ),
    "75": same("Cluster and Stat", "process/test_embedding.py::test_a_program_starts_and_stops_a_cluster"),
    "76": same(
        "brokers of one's own",
        "process/test_custom_brokers.py::test_two_clusters_share_the_tickets_of_a_broker_of_ones_own",
    ),
    "77": same(
        "the admin", "integration/test_old_names.py::test_resubmit_task_enqueues_again_with_all_options",
        "integration/test_old_names.py::test_admins_can_be_subclassed_with_the_old_columns",
    ),
    "78": lacks(
        "an admin for a million rows", "every group is a link, and every row is unpickled",
        "integration/admin/test_lists.py::test_a_list_neither_loads_nor_decodes_payloads",
        "integration/admin/test_lists.py::test_filters_ask_for_no_distinct_values",
        "integration/admin/test_lists.py::test_what_is_counted_has_an_end",
    ),
    "79": lacks(
        "the names of all eras", "its root exports nothing",
        "integration/test_old_names.py::test_the_names_are_where_they_were",
        "integration/test_old_names.py::test_a_short_result_is_a_hundred_characters",
    ),
    "Q2-01": same("async and result"),
    "Q2-02": lacks(
        "getattr(…, 'async')", "it has no such name any more",
        f"{TASKS}/test_enqueue.py::test_async_is_reached_by_getattr_and_async_by_import",
    ),
    "Q2-03": same(
        "a hook is called once", f"{TASKS}/test_inline.py::test_the_hook_is_called_once_with_the_recorded_task"
    ),
    "Q2-04": same("a bad hook costs no result"),
    "Q2-05": same(
        "id or name; the newest wins",
        f"{TASKS}/test_results.py::test_the_newest_of_several_tasks_with_one_name_is_found",
    ),
    "Q2-06": same("failures say why"),
    "Q2-07": same("models as arguments"),
    "Q2-08": changed(
        "attributes of Task", "started is the pick-up",
        f"{TASKS}/test_results.py::test_a_task_knows_when_it_ran_and_how_long",
    ),
    "Q2-09": same("Success and Failure"),
    "Q2-10": lacks(
        "redis= and list_key=", "it hands them to the function",
        f"{TASKS}/test_enqueue.py::test_the_keywords_of_the_first_versions_are_accepted",
    ),
}  # fmt: skip
