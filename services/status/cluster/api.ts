import type { KubeConfig, V1CronJob, V1Job } from '@kubernetes/client-node';

/** What this service asks of the cluster: to list, and to create one Job. */
export type ClusterApi = {
  cronJobs(): Promise<V1CronJob[]>;
  jobs(): Promise<V1Job[]>;
  createJob(job: V1Job): Promise<void>;
};

export type Release = {
  namespace: string;
  /** The value of the label `app.kubernetes.io/instance`. */
  release: string;
};

/** How long one call to the API server may take, in milliseconds. */
const DEADLINE = 5000;

/**
 * Kubernetes' API, for the objects of one release. The client is loaded here and not before: it is large, and nobody
 * outside of a cluster needs it.
 *
 * @param config where the API server is; the pod's own service account, or the user's kubeconfig, where left out.
 */
export async function connectCluster({ namespace, release }: Release, config?: KubeConfig): Promise<ClusterApi> {
  const { BatchV1Api, KubeConfig, createConfiguration, ServerConfiguration } = await import('@kubernetes/client-node');
  const kube = config ?? new KubeConfig();
  if (!config) kube.loadFromDefault();
  const server = kube.getCurrentCluster()?.server;
  if (server === undefined) throw new Error('no cluster is configured');
  const api = new BatchV1Api(
    createConfiguration({
      baseServer: new ServerConfiguration(server, {}),
      authMethods: { default: kube },
      promiseMiddleware: [
        {
          pre: async (request) => {
            request.setSignal(AbortSignal.timeout(DEADLINE));
            return request;
          },
          post: async (response) => response,
        },
      ],
    }),
  );
  const ours = { namespace, labelSelector: `app.kubernetes.io/instance=${release}` };
  return {
    cronJobs: async () => (await api.listNamespacedCronJob({ ...ours, limit: 100 })).items,
    jobs: async () => (await api.listNamespacedJob({ ...ours, limit: 500 })).items,
    createJob: async (job) => void (await api.createNamespacedJob({ namespace, body: job })),
  };
}
