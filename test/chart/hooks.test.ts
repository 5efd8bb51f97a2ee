import { describe, expect, test } from 'vitest';
import { CASES, canRender, given, render } from './render.ts';

/** What Helm runs itself, and when: all else it only creates. */
describe.skipIf(!canRender)('Helm’s hooks (skipped where there is no helm)', () => {
  test.each(CASES)('%s: the doctor for helm test, and the migration where it is asked for', (file) => {
    const hooks = render(given(file)).flatMap(({ kind, metadata }) => {
      const { 'helm.sh/hook': when, 'helm.sh/hook-delete-policy': policy } = metadata.annotations ?? {};
      return when === undefined
        ? []
        : [{ kind, component: metadata.labels?.['app.kubernetes.io/component'], when, policy }];
    });
    const policy = 'before-hook-creation,hook-succeeded';
    const doctor = { kind: 'Pod', component: 'doctor', when: 'test', policy };
    const migrate = { kind: 'Job', component: 'migrate', when: 'pre-install,pre-upgrade', policy };
    expect(hooks).toEqual(file === 'database-parts-values.yaml' ? expect.arrayContaining([doctor, migrate]) : [doctor]);
    expect(hooks).toHaveLength(file === 'database-parts-values.yaml' ? 2 : 1);
  });
});
