"""Indexes that hold no more than somebody looks for: each entry is written again whenever a row is claimed."""

from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement


class SparseIndex(models.Index):
    """An index of those rows that have a value in its last column: most belong to no group, chain or cluster.

    MySQL and MariaDB know no such index; there it holds all rows.
    """

    def create_sql(
        self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor, using: str = "", **kwargs: Any
    ) -> Statement:
        """Return the statement that makes the index."""
        if not schema_editor.connection.features.supports_partial_indexes:
            return super().create_sql(model, schema_editor, using, **kwargs)
        last, _ = self.fields_orders[-1]
        # Not an option of this index: Django leaves an index with a condition out where conditions are unknown.
        sparse = models.Index(fields=self.fields, name=self.name, condition=models.Q(**{f"{last}__isnull": False}))
        return sparse.create_sql(model, schema_editor, using, **kwargs)
