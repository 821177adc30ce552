-- What the queue has besides procrastinate's own: whose a job is, for row-level security, and since when it waits, for
-- the metrics.
ALTER TABLE jobs.procrastinate_jobs
    ADD COLUMN tenant_id uuid GENERATED ALWAYS AS ((args ->> 'tenant_id')::uuid) STORED,
    ADD COLUMN enqueued_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX ix_jobs_status ON jobs.procrastinate_jobs (status, queue_name) INCLUDE (enqueued_at, scheduled_at);
CREATE INDEX ix_jobs_tenant_id ON jobs.procrastinate_jobs (tenant_id, id);
