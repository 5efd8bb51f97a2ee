import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { SETTINGS } from '../../services/shared/runtime/config.ts';
import {
  CHART,
  canRender,
  container,
  given,
  helm,
  type KubeObject,
  kubectl,
  kubeObject,
  one,
  podsOf,
  render,
} from './render.ts';

/**
 * The Job that `kubectl create job NAME --from=cronjob/…` makes; with --dry-run=client it asks a server for the CronJob, so
 * here it is made as kubectl does (pkg/cmd/create/create_job.go, createJobFromCronJob).
 */
function jobFrom(cronJob: KubeObject, name: string): KubeObject {
  const { jobTemplate } = z
    .object({
      jobTemplate: z.object({
        metadata: z.looseObject({ labels: z.record(z.string(), z.string()) }),
        spec: z.unknown(),
      }),
    })
    .parse(cronJob['spec']);
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      labels: jobTemplate.metadata.labels,
      annotations: { 'cronjob.kubernetes.io/instantiate': 'manual' },
      ownerReferences: [
        { apiVersion: 'batch/v1', kind: 'CronJob', name: cronJob.metadata.name, uid: 'a', controller: true },
      ],
    },
    spec: jobTemplate.spec,
  };
}

/** What `kubectl set env --local -f - NAME=VALUE … -o yaml` makes of it. */
function withEnv(job: KubeObject, assignments: readonly string[]): KubeObject {
  const { status, stdout, stderr } = kubectl(
    ['set', 'env', '--local', '-f', '-', ...assignments, '-o', 'yaml'],
    stringify(job),
  );
  expect([status, stderr]).toEqual([0, '']);
  return kubeObject.parse(parse(stdout));
}

/** Each variable's value, or where it comes from. */
function envOf(job: KubeObject): Record<string, unknown> {
  const [pod] = podsOf([job]);
  const { env } = container.parse(pod?.spec.containers[0]);
  return Object.fromEntries(env.map(({ name, value, valueFrom }) => [name, value ?? valueFrom]));
}

/** A text's commands of the form `create job NAME --from=cronjob/X … patch --local … | kubectl create -f -`. */
function patchedRuns(text: string): { name: string; from: string; patch: string }[] {
  const commands = text.matchAll(
    /kubectl create job (\S+) --from=cronjob\/(\S+) --dry-run=client -o yaml \\\n +\| kubectl patch --local -f - --type json -o yaml -p '([^']+)' \| kubectl create -f -/g,
  );
  return [...commands].map(([, name = '', from = '', patch = '']) => ({ name, from, patch }));
}

/** A text's commands of the form `create job NAME --from=cronjob/X … set env … -o yaml`, continued lines joined. */
function manualRuns(text: string): { name: string; from: string; assignments: string[] }[] {
  const commands = text
    .replace(/\\\n\s*/g, '')
    .matchAll(/kubectl (?:-n \S+ )?create job (\S+) --from=cronjob\/(\S+)([^\n]*)/g);
  return [...commands]
    .filter(([, , , rest]) => !rest?.includes(' patch --local '))
    .map(([, name = '', from = '', rest = '']) => ({
      name,
      from,
      assignments: rest.match(/\b[A-Z]+(?:_[A-Z]+)+=\S+/g) ?? [],
    }));
}

describe.skipIf(!canRender)('runs by hand (skipped where there is no helm)', () => {
  const objects = canRender ? render(given('production-values.yaml')) : [];
  const notes = canRender
    ? helm(['install', 'lcm', CHART, '--dry-run=client', ...given('production-values.yaml')]).stdout
    : '';
  const runbook = /^## Run by hand\n.*?^## /ms.exec(readFileSync('docs/runbook.md', 'utf8'))?.[0] ?? '';

  test('the notes and the runbook give the same commands: now, dry, backfill, audit, replay', () => {
    const kinds = (text: string) =>
      manualRuns(text).map(({ assignments }) => assignments.map((one) => one.split('=')[0]));
    const all = [[], ['SYNC_DRY_RUN'], ['SYNC_FROM', 'SYNC_TO'], ['SYNC_AUDIT'], ['SYNC_REPLAY_DEAD']];
    expect(kinds(notes)).toEqual(all);
    expect(kinds(runbook)).toEqual(all);
  });

  test.each([...manualRuns(notes), ...manualRuns(runbook)])(
    '$name of $from with $assignments',
    ({ name, from, assignments }) => {
      const cronJob = one(objects, 'CronJob', from.replace(/^.*-/, '-'));
      const job = jobFrom(cronJob, name);
      const made = assignments.length > 0 ? withEnv(job, assignments) : job;
      const env = envOf(made);
      for (const assignment of assignments) {
        const [variable = '', value = ''] = assignment.split('=');
        expect(env[variable]).toBe(value);
        const setting = Object.entries(SETTINGS).find(([key]) => key === variable)?.[1];
        expect(() => setting?.parse(value), variable).not.toThrow();
        expect(setting, variable).toBeDefined();
      }
      // All else is as the schedule has it, the secrets and the name included.
      const changed = assignments.map((assignment) => assignment.split('=')[0]);
      const rest = (of: KubeObject) => Object.entries(envOf(of)).filter(([key]) => !changed.includes(key));
      expect(rest(made)).toEqual(rest(job));
      expect(env).toMatchObject({
        LIVECHAT_PAT: { secretKeyRef: { name: 'livechat', key: 'pat' } },
        RUN_NAME: { fieldRef: { apiVersion: 'v1', fieldPath: "metadata.labels['batch.kubernetes.io/job-name']" } },
      });
      expect(made.metadata.labels).toMatchObject({ 'app.kubernetes.io/component': 'sync' });
    },
  );

  test('the runbook’s Jobs by arguments: explain, dismiss, preview, forget', () => {
    expect(patchedRuns(runbook).map(({ name }) => name)).toEqual([
      'thread-story',
      'dismiss-dead',
      'digest-preview',
      'forget',
    ]);
    expect(runbook.match(/kubectl patch --local/g)).toHaveLength(patchedRuns(runbook).length);
  });

  test.each(patchedRuns(runbook))('$name of $from is taken by kubectl and by the command', ({ name, from, patch }) => {
    const job = jobFrom(one(objects, 'CronJob', from.replace(/^.*-/, '-')), name);
    const { status, stdout } = kubectl(
      ['patch', '--local', '-f', '-', '--type', 'json', '-o', 'yaml', '-p', patch],
      stringify(job),
    );
    expect(status).toBe(0);
    const made = kubeObject.parse(parse(stdout));
    const args = podsOf([made])[0]?.spec.containers[0]?.args ?? [];
    expect(args).toEqual(JSON.parse(patch)[0].value);
    // Without its settings a command ends with 78, and with 64 where it does not understand what it is asked for.
    const ran = spawnSync(process.execPath, ['image/cli.ts', ...args], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] },
    });
    expect([ran.status, ran.stdout + ran.stderr]).toEqual([78, expect.stringContaining('DATABASE_URL')]);
    // What it needs is in the CronJob that it is made from.
    const missing = [...(ran.stdout + ran.stderr).matchAll(/\b[A-Z]+(?:_[A-Z]+)+\b/g)].map(([variable]) => variable);
    expect(Object.keys(envOf(made))).toEqual(expect.arrayContaining(missing));
  });

  test('a Job that was started by hand does not pass for a scheduled one', () => {
    const scheduled = /-\d{8,}$/;
    expect(`${one(objects, 'CronJob', '-sync').metadata.name}-29401234`).toMatch(scheduled);
    for (const { name } of [...manualRuns(notes), ...manualRuns(runbook), ...patchedRuns(runbook)])
      expect(name).not.toMatch(scheduled);
  });

  test('a run is followed from before its pod has started, when kubectl logs ends with an error', () => {
    for (const text of [notes, runbook]) {
      expect(text).toMatch(/until sleep 1; kubectl (-n \S+ )?logs --follow job\/sync-now; do :; done/);
    }
  });

  test('what the values suspend is not resumed by a patch, which the next upgrade would be refused for', () => {
    const suspended = helm([
      'install',
      'lcm',
      CHART,
      '--dry-run=client',
      ...given('production-values.yaml', { 'sync.suspend': true }),
    ]).stdout;
    expect(suspended).toContain('nothing runs until an upgrade says sync.suspend=false');
    expect(suspended).not.toContain('patch cronjob');
  });

  test('pause and resume are patches that the CronJob takes', () => {
    for (const text of [notes, runbook]) {
      const patches = [...text.matchAll(/patch cronjob (\S+) -p '([^']+)'/g)];
      expect(patches.map(([, , patch]) => patch)).toEqual(['{"spec":{"suspend":true}}', '{"spec":{"suspend":false}}']);
      const cronJob = one(objects, 'CronJob', '-sync');
      for (const [, , patch = ''] of patches) {
        const { status, stdout } = kubectl(
          ['patch', '--local', '-f', '-', '-p', patch, '-o', 'json'],
          stringify(cronJob),
        );
        expect(status).toBe(0);
        expect(JSON.parse(stdout).spec.suspend).toBe(JSON.parse(patch).spec.suspend);
      }
    }
  });
});
