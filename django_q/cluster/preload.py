"""What a fork server imports once, so that its children share the memory and start in milliseconds."""

import django

django.setup()
