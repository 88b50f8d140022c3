"""A task that tells a browser what it does."""

# ruff: noqa
# fmt: off

import time
from django_q.contrib.publish import publish

@publish("demo")
def test_task(cproxy=None, **kwargs):
    if 'param' in kwargs:
        print(kwargs['param'])
    if cproxy:
        cproxy.send_event("<ul class='data'></ul><div name='task_end_info' style='display: none;'>Finish</div>")
    for i in range(0,30):
        if cproxy:
            cproxy.send_event("<li>item %d</li>===>>.data" % i)
        time.sleep(1)
    return True
