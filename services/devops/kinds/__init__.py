"""DevOpsProject, Pipeline and PipelineRun through `/apis/devops.kubesphere.io/v1alpha3`."""

from __future__ import annotations

from services.devops.kinds.pipeline import PIPELINE
from services.devops.kinds.project import PROJECT
from services.devops.kinds.run import RUN

KINDS = (PROJECT, PIPELINE, RUN)
