import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readConfig, SETTINGS, type SettingName } from './config.ts';
import { Failure } from './failure.ts';

test('every missing and malformed variable is told at once, and the end is 78', () => {
  const failure = failureOf({ MARKETO_ENDPOINT: 'http://example.com', SYNC_OVERLAP: 'a day', SYNC_FROM: 'yesterday' }, [
    'DATABASE_URL',
    'MARKETO_ENDPOINT',
    'SYNC_OVERLAP',
    'SYNC_FROM',
  ]);
  expect(failure.exitCode).toBe(78);
  for (const name of ['DATABASE_URL', 'MARKETO_ENDPOINT', 'SYNC_OVERLAP', 'SYNC_FROM']) {
    expect(failure.message).toContain(name);
  }
});

test('a malformed value is never repeated: it may be a secret', () => {
  const everything = Object.fromEntries(Object.keys(SETTINGS).map((name) => [name, 'canary-4711 \u0000']));
  const failure = failureOf(everything, Object.keys(SETTINGS) as SettingName[]);
  expect(failure.message).not.toContain('canary');
});

test('a secret may come as a file; both at once are refused, and so is a file that is not there', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'config-')), 'pat');
  writeFileSync(file, 'from-a-file\n');
  expect(readConfig({ LIVECHAT_PAT_FILE: file }, ['LIVECHAT_PAT']).LIVECHAT_PAT).toBe('from-a-file');
  expect(failureOf({ LIVECHAT_PAT_FILE: file, LIVECHAT_PAT: 'x' }, ['LIVECHAT_PAT']).message).toContain('set twice');
  expect(failureOf({ LIVECHAT_PAT_FILE: '/nowhere' }, ['LIVECHAT_PAT']).message).toContain('ENOENT');
});

test('Marketo’s endpoint is taken with and without its suffixes, and only its origin is kept', () => {
  const of = (value: string) => readConfig({ MARKETO_ENDPOINT: value }, ['MARKETO_ENDPOINT']).MARKETO_ENDPOINT;
  for (const suffix of ['', '/', '/rest', '/rest/', '/identity', '//']) {
    expect(of(`https://123-abc-456.mktorest.com${suffix}`)).toBe('https://123-abc-456.mktorest.com');
  }
  expect(of('http://127.0.0.1:7402')).toBe('http://127.0.0.1:7402');
  expect(of('http://sandbox.demo.svc.cluster.local:80/rest')).toBe('http://sandbox.demo.svc.cluster.local');
  for (const bad of [
    'http://123-abc-456.mktorest.com',
    'https://x.example/other',
    'https://u:p@x.example',
    'mktorest',
  ]) {
    expect(failureOf({ MARKETO_ENDPOINT: bad }, ['MARKETO_ENDPOINT']).exitCode).toBe(78);
  }
});

test('a time limit of nothing would be none: the answers of Marketo are waited for at least a second, at most ten years', () => {
  for (const name of ['MARKETO_READ_TIMEOUT', 'MARKETO_WRITE_TIMEOUT'] as const) {
    expect(readConfig({ [name]: '1s' }, [name])[name]).toBe(1000);
    for (const bad of ['0s', '0d', '999ms', '3651d']) {
      expect(failureOf({ [name]: bad }, [name]).message).toContain(name);
    }
  }
});

test('an empty variable counts as not set: the default holds', () => {
  const config = readConfig({ MARKETO_BATCH_SIZE: '', SYNC_FROM: '', DATABASE_SCHEMA: '' }, [
    'MARKETO_BATCH_SIZE',
    'SYNC_FROM',
    'DATABASE_SCHEMA',
  ]);
  expect(config).toEqual({ MARKETO_BATCH_SIZE: 300, DATABASE_SCHEMA: 'livechat_marketo' });
});

test('every default is itself a valid value', () => {
  for (const [name, setting] of Object.entries(SETTINGS)) {
    if ('default' in setting) expect(() => setting.parse(setting.default), name).not.toThrow();
  }
});

function failureOf(env: Record<string, string>, names: SettingName[]): Failure {
  try {
    readConfig(env, names);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}
