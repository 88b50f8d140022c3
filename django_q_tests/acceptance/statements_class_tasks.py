"""The statements about class tasks: what pytask does or should, and the tests of ours for it."""

from django_q_tests.acceptance.statements import Statement, ours

_HERE = "contrib/class_tasks"
_LIFE, _CONTROL, _QUEUE = f"{_HERE}/test_life.py::", f"{_HERE}/test_control.py::", f"{_HERE}/test_queue.py::"
_TASKS, _SUBSCRIBING = f"{_HERE}/test_tasks.py::", f"{_HERE}/test_subscribing.py::"
_REDIS, _SNIPPETS = f"{_HERE}/test_redis.py::", f"{_HERE}/test_snippets.py::"
_PROCESSES, _OUTAGE = "process/test_class_tasks.py::", "process/test_outage.py::"

STATEMENTS: dict[str, Statement] = {
    "PT-01": ours(
        "a task gets its data, and start() runs once",
        f"{_LIFE}test_a_task_gets_its_data_and_runs_once",
        f"{_SNIPPETS}test_a_short_task_with_a_name_data_and_a_context",
    ),
    "PT-02": ours(
        "no NAME or no start() is an error at registration",
        f"{_LIFE}test_a_class_without_name_or_start_is_refused_and_the_runner_serves_on",
    ),
    "PT-03": ours(
        "two classes of one NAME are an error, unless replace=True",
        f"{_LIFE}test_a_name_that_is_taken_is_refused_unless_it_replaces",
        f"{_TASKS}test_two_classes_of_one_name_are_an_error",
    ),
    "PT-04": ours(
        "unknown data are EXCEPTION with the traceback, and an event",
        f"{_LIFE}test_data_that_init_does_not_take_are_an_exception",
    ),
    "PT-05": ours(
        "an unknown NAME is EXCEPTION, the runner lives, handlers run",
        f"{_LIFE}test_an_unknown_name_is_an_exception_that_names_it",
    ),
    "PT-06": ours("the output is read back as JSON", f"{_LIFE}test_what_start_returns_is_read_back"),
    "PT-07": ours(
        "an output that JSON cannot hold is EXCEPTION",
        f"{_LIFE}test_what_json_cannot_hold_is_an_exception_that_says_so",
    ),
    "PT-08": ours(
        "Error is ERROR with its text, an event, no handlers, level info",
        f"{_LIFE}test_an_error_of_the_task_is_its_output",
        f"{_SNIPPETS}test_an_error_is_the_output",
    ),
    "PT-09": ours(
        "any other error is EXCEPTION with its traceback; handlers in order, whatever they raise",
        f"{_LIFE}test_any_other_error_is_a_traceback_and_handlers_are_called_in_order",
    ),
    "PT-10": ours(
        "emitted events arrive in their order",
        f"{_LIFE}test_events_come_in_their_order_those_of_init_too",
        f"{_SNIPPETS}test_events_arrive",
        f"{_REDIS}test_a_plain_subscriber_reads_events_as_pytask_wrote_them",
    ),
    "PT-11": ours("emit() works in __init__", f"{_LIFE}test_events_come_in_their_order_those_of_init_too"),
    "PT-12": ours(
        "a fresh context for each instance and each stop()",
        f"{_LIFE}test_each_task_and_each_stop_has_a_context_of_its_own",
    ),
    "PT-13": ours(
        "provide_context() that raises is EXCEPTION, __init__ is not called",
        f"{_LIFE}test_a_context_that_cannot_be_made_is_an_exception",
    ),
    "PT-14": ours(
        "stop() is called and the task STOPPED within a second",
        f"{_CONTROL}test_a_loop_that_is_stopped_is_stopped_within_a_second",
        f"{_SNIPPETS}test_a_long_task_is_stopped",
        f"{_PROCESSES}test_the_task_of_the_text_with_gevent_itself_is_stopped",
    ),
    "PT-15": ours(
        "what ignores stop() is interrupted after its grace, or its process replaced",
        f"{_CONTROL}test_who_does_not_care_for_stop_is_interrupted_after_the_grace",
        f"{_CONTROL}test_what_a_task_has_spawned_is_killed_with_it",
        f"{_QUEUE}test_a_task_that_does_not_end_ends_the_runner_and_the_others_wait",
        f"{_PROCESSES}test_a_process_with_a_task_that_does_not_end_is_replaced_and_its_others_run_again",
    ),
    "PT-16": ours(
        "a stop() that raises is logged, the task STOPPED all the same",
        f"{_CONTROL}test_an_error_in_stop_is_logged_and_the_task_is_stopped",
    ),
    "PT-17": ours(
        "a stopped task is restarted with its data", f"{_CONTROL}test_a_stopped_task_runs_again_with_its_data"
    ),
    "PT-18": ours(
        "a reload starts anew with changed data, without an end between",
        f"{_CONTROL}test_a_reloaded_task_starts_anew_with_new_data_and_never_ends",
    ),
    "PT-19": ours(
        "stop and reload say whether there was anything to do; what waits is never started",
        f"{_CONTROL}test_who_stops_or_reloads_what_nobody_runs_learns_it",
    ),
    "PT-20": ours(
        "an unknown word is logged and ignored",
        f"{_CONTROL}test_an_unknown_word_is_logged_and_ignored",
        f"{_REDIS}test_control_words_are_heard_from_redis_and_others_are_logged",
    ),
    "PT-21": ours(
        "restart_if_state restarts in these states only, one text is one state",
        f"{_CONTROL}test_a_task_is_restarted_only_in_these_states",
    ),
    "PT-22": ours("no second copy of what runs", f"{_CONTROL}test_a_running_task_cannot_be_restarted"),
    "PT-23": ours(
        "an id is queued once, and used again after the end",
        f"{_QUEUE}test_a_chosen_id_is_queued_once_and_may_be_used_again_after_the_end",
    ),
    "PT-24": ours(
        "first in, first out, and no more than the limit",
        f"{_QUEUE}test_what_came_first_runs_first_and_never_more_than_the_limit",
    ),
    "PT-25": ours("one of two runners runs it", f"{_QUEUE}test_one_task_is_run_by_one_of_two_runners"),
    "PT-26": ours(
        "a task of a killed runner runs elsewhere, attempts are counted",
        f"{_PROCESSES}test_a_task_of_a_runner_that_was_killed_runs_elsewhere",
        f"{_PROCESSES}test_a_runner_that_dies_is_started_again_and_takes_its_tasks_up",
        f"{_QUEUE}test_a_task_of_a_dead_runner_runs_again",
        f"{_QUEUE}test_a_runner_that_was_declared_dead_writes_nothing_and_stops_the_task",
    ),
    "PT-27": ours(
        "SIGTERM and SIGINT: stop() was called, tasks wait, local rows are gone",
        f"{_PROCESSES}test_a_runner_that_is_asked_to_end_leaves_what_waits_and_nothing_else",
        f"{_QUEUE}test_a_runner_that_ends_stops_its_tasks_which_wait_and_its_local_ones_are_gone",
    ),
    "PT-28": ours(
        "an outage: tasks are stopped, run again after it, local ones too",
        f"{_OUTAGE}test_a_runner_of_class_tasks_stops_them_and_starts_them_again_after_it",
    ),
    "PT-29": ours(
        "a local task runs in its runner only",
        f"{_QUEUE}test_a_local_task_is_never_queued",
        f"{_QUEUE}test_a_runner_that_ends_stops_its_tasks_which_wait_and_its_local_ones_are_gone",
    ),
    "PT-30": ours(
        "the row of a local task of a dead runner is deleted",
        f"{_QUEUE}test_a_local_task_of_a_dead_runner_is_deleted_and_one_that_was_to_stop_is_stopped",
    ),
    "PT-31": ours(
        "cleanup=False keeps the row, which is not active",
        f"{_QUEUE}test_the_lists_of_ids_say_where_a_task_is",
        f"{_TASKS}test_a_cleanup_hands_what_has_ended_to_its_handler_and_deletes_it",
    ),
    "PT-32": ours(
        "Cleanup calls its handler once, and again where that failed",
        f"{_TASKS}test_a_cleanup_hands_what_has_ended_to_its_handler_and_deletes_it",
        f"{_TASKS}test_what_its_handler_refuses_is_kept_and_handed_over_again",
    ),
    "PT-33": ours(
        "Cleanup without a handler deletes and goes on",
        f"{_TASKS}test_a_cleanup_without_a_handler_deletes_and_goes_on",
    ),
    "PT-34": ours(
        "new, active and end ids follow the transitions", f"{_QUEUE}test_the_lists_of_ids_say_where_a_task_is"
    ),
    "PT-35": ours(
        "subscribe() yields events until the end; '*' all of them, and no control words",
        f"{_SUBSCRIBING}test_a_subscriber_is_told_everything_until_the_end",
        f"{_SUBSCRIBING}test_who_subscribes_to_all_sees_all_and_no_control_words",
        f"{_SUBSCRIBING}test_an_event_whose_transaction_ended_late_is_not_missed",
    ),
    "PT-36": ours("since= asks for earlier events", f"{_SUBSCRIBING}test_a_late_subscriber_asks_for_what_was_before"),
}
