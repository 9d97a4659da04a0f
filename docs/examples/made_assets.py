"""What the page on assets shows of URIs."""

from __future__ import annotations

from airflow_provider_taskcluster.assets.taskcluster import artifact_asset, object_asset

# [START assets]
report = object_asset("my-team/report #1.html")  # taskcluster://objects/my-team/report%20%231.html
log = artifact_asset("fN1SbArXTPSVFNUvaOlinQ", "public/logs/live_backing.log", run_id=0)
# [END assets]
