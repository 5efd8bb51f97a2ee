import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { canRender } from '../chart/render.ts';

test.skipIf(!canRender)('without a cluster it says so in a sentence (skipped where there is no helm)', () => {
  const env = { ...process.env, KUBECONFIG: '/dev/null' };
  const { status, stderr, stdout } = spawnSync(process.execPath, ['test/e2e/main.ts'], { env, encoding: 'utf8' });
  expect([status, stdout]).toEqual([1, '']);
  expect(stderr).toBe(
    'make e2e needs a Kubernetes cluster, and kubectl has no current context: start one (kind create cluster, k3d cluster create, …), build the image (make image), and try again.\n',
  );
});
