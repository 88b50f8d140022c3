"""The bodies of the REST API."""

from typing import Any

from django_q.contrib.user_tasks.framework import fields, serializers
from django_q.contrib.user_tasks.links import ARTIFACT, STATUS, Link, OwnLink
from django_q.contrib.user_tasks.models import UserTaskArtifact, UserTaskStatus


class StatusSerializer(serializers.ModelSerializer):
    """A user task, with the addresses of what it made."""

    state_text = fields.CharField(read_only=True, help_text="The state in the language of the request.")
    artifacts = Link(ARTIFACT, many=True)
    url = OwnLink(STATUS)

    class Meta:
        model = UserTaskStatus
        ref_name = "UserTaskStatus"
        fields = (
            "name",
            "state",
            "state_text",
            "completed_steps",
            "total_steps",
            "attempts",
            "created",
            "modified",
            "artifacts",
            "uuid",
            "url",
        )
        read_only_fields = fields


class ArtifactSerializer(serializers.ModelSerializer):
    """What a task made. ``url`` is an address that it made; that of the artifact itself is ``api_url``."""

    status = Link(STATUS)
    file = fields.SerializerMethodField(help_text="Where the file is; empty if there is none.")
    url = fields.CharField(read_only=True, help_text="An address that the task made, often empty.")
    api_url = OwnLink(ARTIFACT)

    class Meta:
        model = UserTaskArtifact
        ref_name = "UserTaskArtifact"
        fields = ("name", "created", "modified", "status", "file", "text", "url", "uuid", "api_url")
        read_only_fields = fields

    def get_file(self, artifact: UserTaskArtifact) -> str:
        """Return the address of the file; empty if there is none, or if its storage has no addresses."""
        address = _address(artifact.file) if artifact.file else ""
        request: Any = self.context.get("request")
        return request.build_absolute_uri(address) if request and address else address


def _address(file: Any) -> str:
    try:
        return str(file.url)
    except (NotImplementedError, ValueError):  # what Django's storages raise that have no addresses
        return ""
