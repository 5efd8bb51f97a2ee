import { type KubeObject, kubeObject } from './render.ts';

/** What an API server refuses to change, by object; a hook's are made anew each time. */
export function fixedParts(objects: readonly KubeObject[]): [string, unknown][] {
  const fixed: Record<string, string[]> = {
    Deployment: ['selector'],
    StatefulSet: ['selector', 'serviceName', 'volumeClaimTemplates', 'podManagementPolicy'],
    PersistentVolumeClaim: ['accessModes', 'storageClassName', 'volumeMode'],
    Service: ['clusterIP', 'selector'],
    Job: ['template', 'selector'],
    RoleBinding: [],
    Secret: [],
    CronJob: [],
  };
  return objects
    .map((object) => kubeObject.parse(object))
    .filter(({ kind, metadata }) => kind in fixed && metadata.annotations?.['helm.sh/hook'] === undefined)
    .map((object) => {
      const spec = Object.entries(object['spec'] ?? {}).filter(([key]) => fixed[object.kind]?.includes(key));
      return [`${object.kind}/${object.metadata.name}`, { spec, roleRef: object['roleRef'], type: object['type'] }];
    });
}
