import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { testDatabase } from '../postgres/database.ts';
import { rulesFile } from '../rules-file.ts';
import { runService, type ServiceName } from '../services.ts';
import { type Container, canRender, containerOf, given, one, render, secretData } from './render.ts';

const { url, db } = await testDatabase();

/**
 * The try-out as the cluster would start it, as far as that goes without one: each container's own command and
 * environment, with the chart's Secret and ConfigMap, and other addresses in place of its Services.
 */
describe.skipIf(!canRender)('the try-out (skipped where there is no helm)', () => {
  const objects = canRender ? render(given('try-out-values.yaml')) : [];
  const data = z.record(z.string(), z.string());
  const secret = canRender ? secretData(one(objects, 'Secret')) : {};

  test('syncs the sandbox’s week on its first run, sends a digest, passes the doctor', async () => {
    const ports = await startSandbox(containerOf(objects, 'Deployment', '-sandbox'));
    const rules = rulesFile('');
    writeFileSync(rules, data.parse(one(objects, 'ConfigMap', '-rules')['data'])['rules.yaml'] ?? '');
    const environment = ({ env }: Container): Record<string, string> => {
      const given = env.map(({ name, value, valueFrom }) => [name, value ?? secretValue(valueFrom)] as const);
      const local = given.map(([name, value]) => [
        name,
        value.replace(/\/\/[a-z-]+-sandbox:(\d+)/, (_, port) => `//127.0.0.1:${ports[port]}`),
      ]);
      return { ...Object.fromEntries(local), DATABASE_URL: url, RULES_FILE: rules, RUN_NAME: 'lcm-sync-29401234' };
    };
    const run = async (kind: string, ending: string) => {
      const container = containerOf(objects, kind, ending);
      const [command] = container.args;
      const { code, output } = await runService(
        z.enum(['sync', 'digest', 'doctor']).parse(command) satisfies ServiceName,
        environment(container),
      );
      expect([command, code, output]).toEqual([command, 0, expect.any(String)]);
    };
    // The only Pod.
    await run('Pod', '');
    await run('CronJob', '-sync');
    await run('CronJob', '-digest');

    const control = `http://127.0.0.1:${ports['7400']}`;
    const asked = async (path: string) =>
      z.record(z.string(), z.array(z.unknown())).parse(await (await fetch(`${control}${path}`)).json());
    expect((await asked('/marketo/leads'))['leads']?.length).toBeGreaterThan(100);
    expect((await asked('/mailbox/messages'))['messages']).toHaveLength(1);
    const { trigger } = await db
      .selectFrom('run')
      .select('trigger')
      .where('job', '=', 'sync')
      .executeTakeFirstOrThrow();
    expect(trigger).toBe('schedule');
  });

  function secretValue(from: unknown): string {
    const reference = z.object({ secretKeyRef: z.object({ key: z.string() }) }).safeParse(from);
    return reference.data ? (secret[reference.data.secretKeyRef.key] ?? '') : '';
  }
});

/** @returns where it listens, by the port that it has in the cluster. */
async function startSandbox({ args, ports }: Container): Promise<Record<string, number>> {
  const [command, ...flags] = args;
  expect(command).toBe('sandbox');
  const anyPort = ['control', 'livechat', 'marketo', 'smtp'].flatMap((name) => [`--${name}-port`, '0']);
  const child = spawn(process.execPath, [
    join('test', 'sandbox', 'main.ts'),
    ...flags,
    '--host',
    '127.0.0.1',
    ...anyPort,
  ]);
  onTestFinished(async () => {
    const ended = once(child, 'close');
    child.kill('SIGTERM');
    await ended;
  });
  let said = '';
  for await (const chunk of child.stdout) {
    said += String(chunk);
    if (said.includes('Ctrl-C')) break;
  }
  const lines: Record<string, RegExp> = {
    control: /^Control API: \S+:(\d+)$/m,
    livechat: /^export LIVECHAT_ENDPOINT=\S+:(\d+)$/m,
    marketo: /^export MARKETO_ENDPOINT=\S+:(\d+)$/m,
    smtp: /^export SMTP_URL=\S+:(\d+)$/m,
  };
  return Object.fromEntries(
    ports.map(({ name, containerPort }) => [containerPort, Number(lines[name]?.exec(said)?.[1])]),
  );
}
