import type { V1CronJob, V1Job } from '@kubernetes/client-node';

/**
 * The Job that `kubectl create job NAME --from=cronjob/…` makes of a CronJob: its template's labels, annotations and
 * spec, marked as started by hand. The CronJob owns it as its controller, so its history limits clean it up; without
 * blockOwnerDeletion, which would need a right to the CronJob's finalizers (kubectl, pkg/cmd/create/create_job.go).
 *
 * @param name the Job's name; it must not look like a scheduled one's, which ends in eight digits.
 */
export function jobFrom({ metadata, spec }: V1CronJob, name: string): V1Job {
  const template = spec?.jobTemplate;
  if (!metadata?.name || !metadata.uid || !template?.spec) throw new Error('the CronJob has no name, uid or template');
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      annotations: { 'cronjob.kubernetes.io/instantiate': 'manual', ...template.metadata?.annotations },
      labels: { ...template.metadata?.labels },
      ownerReferences: [
        { apiVersion: 'batch/v1', kind: 'CronJob', name: metadata.name, uid: metadata.uid, controller: true },
      ],
    },
    spec: template.spec,
  };
}

/** What is put after a CronJob's name: 52 characters at the most, as Kubernetes allows it, and 11 more make a Job's 63. */
export function manualName(cronJob: string, request: string): string {
  return `${cronJob.slice(0, 52)}-m${request}`;
}
