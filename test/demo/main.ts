import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import PostalMime from 'postal-mime';
import { withEveryRule } from '../every-rule.ts';
import { startPostgres } from '../postgres/embedded.ts';
import { type Sandbox, startSandbox } from '../sandbox/sandbox.ts';
import { type Ended, type LogLine, runService, sandboxEnvironment, startService } from '../services.ts';
import { type Claim, checkClaims, OWN_DOMAIN, type RunReport } from './claims.ts';
import { printClaims, printRuns, say } from './print.ts';
import { createWorld } from './world.ts';

/** Where the demo leaves what it made; git does not see it. */
const FOLDER = 'out/demo';
const SEED = 7;

const { values: flags } = parseArgs({ options: { 'keep-running': { type: 'boolean', default: false } } });
process.exitCode = await demo(flags['keep-running']);

/**
 * The whole product once through, for real: two syncs an hour apart, a digest, and the status service, each the real
 * program in a process of its own, against the sandbox and an embedded Postgres.
 *
 * @param keepRunning leaves the status page and the sandbox open until Ctrl-C.
 * @returns the exit code: 0 where every claim holds.
 */
async function demo(keepRunning: boolean): Promise<number> {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  const releases: (() => Promise<unknown>)[] = [];
  // However the demo is broken off, its Postgres and its services must not stay behind.
  const breakOff = async (signal: NodeJS.Signals) => {
    for (const release of releases.splice(0).reverse()) await release();
    process.exit(128 + constants.signals[signal]);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, breakOff);
  try {
    say('Starting Postgres and the sandbox (LiveChat, Marketo, a mailbox) …');
    const postgres = await startPostgres();
    releases.push(postgres.stop);
    const world = createWorld(SEED, new Date());
    const sandbox = await startSandbox({
      seed: SEED,
      start: world.middle,
      mailFolder: `${FOLDER}/mail`,
      marketo: {
        leads: world.leads,
        // This Marketo takes no markup in names: so some values are refused, as some always are.
        behaviour: { refuseValues: ['firstName', 'lastName'].map((field) => ({ field, pattern: /[<>]/ })) },
      },
    });
    releases.push(sandbox.close);
    sandbox.livechat.archive.addThreads(world.threads);
    sandbox.faults.setLatency('marketo', { kind: 'lognormal', medianMs: 150, p99Ms: 900 });
    const before = sandbox.marketo.leads();
    // The sandbox's Marketo has the custom fields, so the rules that need them are on.
    const rulesFile = `${FOLDER}/rules.yaml`;
    writeFileSync(rulesFile, withEveryRule(readFileSync('rules.yaml', 'utf8')));
    const env = {
      ...sandboxEnvironment(sandbox, postgres.url),
      SYNC_FROM: world.start.toISOString(),
      SYNC_EXCLUDED_DOMAINS: OWN_DOMAIN,
      RULES_FILE: rulesFile,
      STATUS_HOST: '127.0.0.1',
      STATUS_PORT: '0',
    };

    await succeed('migrate', env);
    say(
      `\nFirst load: ${world.threads.length} chats of the last 20 hours; ${before.length} leads are in Marketo already.`,
    );
    const runs = [await syncOnce(sandbox, env)];
    say('\nAn hour later:');
    sandbox.clock.set(world.end.getTime());
    runs.push(await syncOnce(sandbox, env));

    say('\nThe status page:');
    const status = startService('status', env);
    releases.push(async () => {
      status.kill('SIGTERM');
      await status.ended;
    });
    const address = await addressOf(status.lines);
    const shown = await statusClaims(address);
    say(`  ${address}/`);

    say('\nThe digest:');
    await succeed('digest', { ...env, STATUS_URL: address });
    const mailed = await mailClaims(sandbox);

    const claims = [...checkClaims(world, sandbox, before, runs), ...shown, ...mailed];
    printRuns(runs);
    printClaims(claims);
    const numbers = { runs, claims, leads: sandbox.marketo.leads().length };
    writeFileSync(`${FOLDER}/summary.json`, `${JSON.stringify(numbers, null, 2)}\n`);
    const broken = claims.filter((claim) => !claim.holds).length;
    say(broken === 0 ? '\nEvery claim holds.' : `\n${broken} of ${claims.length} claims do not hold.`);
    if (keepRunning) {
      say(
        `\nLeft running. Status page: ${address}/   Sandbox’s control API: ${sandbox.control.url}/   End with Ctrl-C.`,
      );
      await new Promise(() => {});
    }
    return broken === 0 ? 0 : 1;
  } catch (error) {
    process.stderr.write(`\nThe demo could not finish: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    for (const release of releases.splice(0).reverse()) await release();
  }
}

async function syncOnce(sandbox: Sandbox, env: Record<string, string>): Promise<RunReport> {
  const { byEndpoint: earlier } = sandbox.marketo.report();
  const { lines } = await succeed('sync', env);
  const { byEndpoint } = sandbox.marketo.report();
  const calls = (endpoint: string) => (byEndpoint[endpoint] ?? 0) - (earlier[endpoint] ?? 0);
  return { counts: countsIn(lines), lookupCalls: calls('leads-lookup'), writeCalls: calls('leads-sync') };
}

/** The numbers with which a sync ends its log. */
function countsIn(lines: readonly LogLine[]): Record<string, number> {
  const done = lines.find((line) => line.msg.startsWith('done:')) ?? {};
  return Object.fromEntries(
    Object.entries(done).flatMap(([key, value]) =>
      typeof value === 'number' && key !== 'run' && key !== 'pid' ? [[key, value]] : [],
    ),
  );
}

async function succeed(service: 'migrate' | 'sync' | 'digest', env: Record<string, string>): Promise<Ended> {
  const ended = await runService(service, env, [], (line) => say(`  ${service.padEnd(7)} ${line.msg}`));
  if (ended.code === 0) return ended;
  throw new Error(`${service} ended with ${ended.code ?? ended.signal}:\n${ended.output}`);
}

/** The status service says in its log where it listens. */
async function addressOf(lines: readonly LogLine[]): Promise<string> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
    for (const line of lines) {
      const address = /http:\/\/[\d.]+:\d+/.exec(JSON.stringify(line))?.[0];
      if (address) return address;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the status service did not start within 20 s');
}

async function statusClaims(address: string): Promise<Claim[]> {
  const answers = await Promise.all(
    ['/healthz', '/readyz', '/metrics', '/api/v1/status', '/api/v1/runs', '/api/v1/errors', '/'].map(async (path) => {
      const response = await fetch(`${address}${path}`);
      return { path, status: response.status, text: await response.text() };
    }),
  );
  const failed = answers.filter(({ status }) => status !== 200);
  const addresses = answers.filter(({ text }) => /[\w.+-]+@[\w-]+\.example/.test(text));
  return [
    {
      says: 'the status service answers on all its addresses',
      holds: failed.length === 0,
      detail: failed.map(({ path, status }) => `${path} ${status}`).join(', ') || `${answers.length} addresses`,
    },
    {
      says: 'none of its answers shows a visitor’s address',
      holds: addresses.length === 0,
      detail: `${addresses.length} do`,
    },
  ];
}

async function mailClaims(sandbox: Sandbox): Promise<Claim[]> {
  const [message, ...more] = sandbox.mailbox.messages();
  const raw = message && sandbox.mailbox.raw(message.id);
  if (!message || !raw) return [{ says: 'one digest arrived', holds: false, detail: 'none' }];
  const mail = await PostalMime.parse(raw);
  say(`  subject  ${mail.subject}\n  saved as ${message.file}`);
  writeFileSync(`${FOLDER}/digest.html`, mail.html ?? '');
  const content = `${mail.subject}\n${mail.text}\n${mail.html}`;
  const visitors = content.match(/[\w.+-]+@[\w-]+\.example/g)?.filter((address) => !address.endsWith('@shop.example'));
  return [
    {
      says: 'one digest arrived, in text and in HTML',
      holds: more.length === 0 && !!mail.text && !!mail.html,
      detail: `${more.length + 1} mail`,
    },
    { says: 'it tells of the refused values', holds: /field-refused/.test(content), detail: mail.subject ?? '' },
    { says: 'it names nobody', holds: !visitors?.length, detail: `${visitors?.length ?? 0} addresses` },
  ];
}
