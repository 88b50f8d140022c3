"""The statements about live tasks: what Pytigon's tasks do or should, and the tests of ours for it."""

from django_q_tests.acceptance.statements import Statement, ours

_HERE = "contrib/publish"
_DECORATOR, _ENDINGS = f"{_HERE}/test_decorator.py::", f"{_HERE}/test_endings.py::"
_SOCKET, _STREAM, _SCREENS = f"{_HERE}/test_consumer.py::", f"{_HERE}/test_stream.py::", f"{_HERE}/test_screens.py::"
_CLUSTERS = "process/test_published_tasks.py::"
_ELEMENT, _PAGES = "browser/test_live_element.py::", "browser/test_live_tasks.py::"
_SHOWN = f"{_PAGES}test_the_page_of_the_text_shows_all_to_whoever_comes_before_during_or_after"

STATEMENTS: dict[str, Statement] = {
    "PE-01": ours(
        "group and id name the stream; the id is not passed on, the proxy is",
        f"{_DECORATOR}test_the_id_and_the_group_name_the_stream_and_the_id_is_not_passed_on",
    ),
    "PE-02": ours("without an id, or a group", f"{_DECORATOR}test_without_an_id_the_stream_is_the_group"),
    "PE-03": ours(
        "name, module, signature and path are those of the function; enqueued by path or as an object",
        f"{_DECORATOR}test_a_decorated_function_is_known_by_its_own_name",
        f"{_DECORATOR}test_it_is_enqueued_by_its_path_or_as_an_object",
        f"{_DECORATOR}test_arguments_by_position_bind_as_if_there_were_no_proxy",
    ),
    "PE-04": ours(
        "numbers without gaps, also of several threads",
        f"{_DECORATOR}test_events_are_numbered_without_gaps",
        f"{_DECORATOR}test_events_of_several_threads_are_numbered_without_gaps",
    ),
    "PE-05": ours(
        "one end mark: success, error, or the cluster's",
        f"{_DECORATOR}test_what_a_function_raises_is_the_outcome_of_its_run",
        f"{_ENDINGS}test_a_run_whose_worker_died_is_ended",
        f"{_CLUSTERS}test_whoever_watches_is_told_how_it_ended",
        f"{_CLUSTERS}test_each_attempt_whose_worker_dies_is_a_run_with_an_end",
        f"{_CLUSTERS}test_a_running_task_that_is_canceled_ends_its_run",
    ),
    "PE-06": ours("any JSON value, the old sentinel too", f"{_DECORATOR}test_any_value_of_json_is_an_event"),
    "PE-07": ours("another value is a TypeError", f"{_DECORATOR}test_another_value_is_a_type_error_in_the_task"),
    "PE-08": ours(
        "called directly it works; switched off it stores nothing",
        f"{_DECORATOR}test_arguments_by_position_bind_as_if_there_were_no_proxy",
        f"{_DECORATOR}test_where_publishing_is_switched_off_the_proxy_does_nothing_and_nothing_is_stored",
        f"{_DECORATOR}test_a_base_publisher_takes_everything",
    ),
    "PE-09": ours(
        "a store that is down: dropped and logged once, or strict",
        f"{_DECORATOR}test_a_task_whose_events_cannot_be_stored_goes_on_and_the_log_says_so_once",
        f"{_DECORATOR}test_in_strict_mode_it_fails",
    ),
    "PE-10": ours(
        "a rerun is a new run",
        f"{_DECORATOR}test_a_new_call_with_the_same_id_is_a_new_run",
        f"{_SOCKET}test_who_watches_an_old_run_sees_its_end",
        f"{_SOCKET}test_who_comes_back_goes_on_where_he_was",
    ),
    "PE-11": ours("what is gone is said", f"{_SOCKET}test_who_comes_too_late_is_told_how_much_is_gone"),
    "PE-12": ours(
        "RemoteScreen, string by string",
        f"{_SCREENS}test_a_screen_sends_a_place_for_lines_and_lines",
        f"{_SCREENS}test_without_a_proxy_a_screen_logs_text",
    ),
    "PE-13": ours(
        "with hook, group, schedule, retry, @background",
        f"{_DECORATOR}test_it_has_hooks_groups_and_schedules",
        f"{_DECORATOR}test_each_attempt_is_a_run",
        f"{_DECORATOR}test_it_runs_in_the_background",
        f"{_DECORATOR}test_it_may_be_a_task_of_a_user",
        f"{_DECORATOR}test_coroutines_publish",
    ),
    "PE-14": ours(
        "who comes before: start, events, stop, close",
        f"{_SOCKET}test_who_comes_before_the_task_hears_all_as_it_happens",
        _SHOWN,
    ),
    "PE-15": ours(
        "who comes later: all from the first, whoever came before",
        f"{_SOCKET}test_who_comes_later_hears_all_from_the_beginning_however_many_they_are",
        f"{_SOCKET}test_thousands_of_events_are_read_in_parts_and_none_is_missed_or_doubled",
        _SHOWN,
    ),
    "PE-16": ours(
        "two at once get everything",
        f"{_SOCKET}test_who_comes_later_hears_all_from_the_beginning_however_many_they_are",
    ),
    "PE-17": ours("last and seq", f"{_SOCKET}test_who_comes_back_goes_on_where_he_was"),
    "PE-18": ours("pong while streaming", f"{_SOCKET}test_who_comes_before_the_task_hears_all_as_it_happens"),
    "PE-19": ours(
        "nothing is left of who leaves",
        f"{_SOCKET}test_a_browser_that_leaves_is_forgotten",
        f"{_STREAM}test_a_stream_that_is_closed_is_watched_by_nobody",
    ),
    "PE-20": ours(
        "an id that does not exist: an error after a while",
        f"{_SOCKET}test_an_id_that_nobody_publishes_is_an_error_after_a_while",
        f"{_SOCKET}test_a_task_that_waits_in_the_queue_is_waited_for",
    ),
    "PE-21": ours(
        "who may watch",
        f"{_SOCKET}test_who_may_watch_is_decided_before_anything_is_said",
        f"{_STREAM}test_who_is_refused_is_told_so_by_a_message",
        f"{_PAGES}test_others_may_not_watch_and_the_tag_starts_the_task",
    ),
    "PE-22": ours("nonsense", f"{_SOCKET}test_nonsense_is_answered_by_an_error_and_harms_nothing"),
    "PE-23": ours(
        "the messages of the protocol, with additions only",
        f"{_SOCKET}test_who_comes_before_the_task_hears_all_as_it_happens",
        f"{_ELEMENT}test_an_unmodified_server_is_understood",
    ),
    "PE-24": ours(
        "without Channels",
        f"{_STREAM}test_without_channels_all_but_the_websocket_works_and_that_says_what_to_install",
        f"{_STREAM}test_a_stream_says_what_the_websocket_says",
        f"{_ELEMENT}test_without_a_websocket_the_page_listens_to_a_stream",
    ),
    "PE-25": ours("within a second", f"{_SOCKET}test_an_event_is_there_within_a_second"),
    "PE-26": ours(
        "operators and paths",
        f"{_ELEMENT}test_each_operator_and_each_form_of_a_path_changes_the_page_as_it_should",
        f"{_ELEMENT}test_the_component_itself_is_the_target_of_an_empty_path_and_of_events_without_an_operator",
    ),
    "PE-27": ours(
        "no operator: append; no target: a warning",
        f"{_ELEMENT}test_the_component_itself_is_the_target_of_an_empty_path_and_of_events_without_an_operator",
        f"{_ELEMENT}test_a_target_that_is_missing_is_a_warning_and_the_next_event_is_shown",
    ),
    "PE-28": ours(
        "spaces around the operator",
        f"{_ELEMENT}test_each_operator_and_each_form_of_a_path_changes_the_page_as_it_should",
    ),
    "PE-29": ours(
        "several elements",
        f"{_ELEMENT}test_several_elements_stand_in_their_order_and_get_one_around_them_only_if_asked",
    ),
    "PE-30": ours("start and stop", f"{_ELEMENT}test_the_page_is_told_of_the_beginning_and_of_the_end"),
    "PE-31": ours(
        "reconnect, and removal",
        f"{_ELEMENT}test_a_connection_that_is_lost_is_made_again_and_nothing_is_missed_or_doubled",
        f"{_ELEMENT}test_an_element_that_is_removed_leaves_no_socket_and_no_timer",
        _SHOWN,
    ),
    "PE-32": ours("task_href is fetched once", f"{_ELEMENT}test_what_starts_the_task_is_fetched_once"),
    "PE-33": ours(
        "the example of the text",
        _SHOWN,
        "examples/test_live.py::test_the_task_is_that_of_the_text",
        "examples/test_live.py::test_the_call_is_that_of_the_text",
        "examples/test_live.py::test_the_element_is_that_of_the_text",
    ),
}
