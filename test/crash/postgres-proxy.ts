import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';

export type PostgresProxy = {
  /** The database's address by way of the proxy. */
  url: string;
  /** How many commits it has seen. */
  commits(): number;
  /** Cuts all connections, and waits until the server has let go of everything that belonged to them. */
  close(): Promise<void>;
};

/**
 * Stands between a process and Postgres and understands just enough of what the server says (PostgreSQL documentation,
 * "Frontend/Backend Protocol") to know when something was committed: a statement by itself that has written rows, or a
 * COMMIT after such statements, and then the server says that it is idle.
 *
 * @param databaseUrl where it leads; without TLS.
 * @param stopAt at the so many-th commit everything stands still: its answer is withheld, and nothing passes any more in
 *   either direction, so that the process behind it is where it would be if it had died before the answer came.
 * @param onStop told when that has happened.
 */
export async function postgresProxy(databaseUrl: string, stopAt: number, onStop: () => void): Promise<PostgresProxy> {
  const { hostname, port } = new URL(databaseUrl);
  const upstreams = new Set<Socket>();
  const clients = new Set<Socket>();
  let commits = 0;
  let stopped = false;

  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    const answers = createAnswers();
    upstreams.add(upstream);
    clients.add(client);
    client.on('data', (bytes: Buffer) => {
      if (!stopped) upstream.write(bytes);
    });
    upstream.on('data', (bytes: Buffer) => {
      if (stopped) return;
      for (const answer of answers.take(bytes)) {
        if (answer.committed) commits += 1;
        if (answer.committed && commits === stopAt) {
          stopped = true;
          onStop();
          return;
        }
        client.write(answer.bytes);
      }
    });
    client.on('error', () => {});
    client.on('close', () => upstream.end());
    upstream.on('error', () => client.destroy());
    upstream.on('close', () => {
      upstreams.delete(upstream);
      client.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    commits: () => commits,
    async close() {
      server.close();
      for (const client of clients) client.destroy();
      // A backend that reads the end of its connection rolls back, and only then closes its side.
      await Promise.all(
        [...upstreams].map((upstream) => new Promise<void>((resolve) => upstream.once('close', () => resolve()).end())),
      );
    },
  };
}

type Answer = { bytes: Buffer; committed: boolean };

/** Cuts what the server says into answers: everything up to and with ReadyForQuery, and single messages before login. */
function createAnswers(): { take(bytes: Buffer): Answer[] } {
  let rest: Buffer = Buffer.alloc(0);
  let messages: Buffer[] = [];
  let isLoggedIn = false;
  let hasWritten = false;

  return {
    take(bytes) {
      const answers: Answer[] = [];
      rest = Buffer.concat([rest, bytes]);
      while (rest.length >= 5 && rest.length >= 1 + rest.readUInt32BE(1)) {
        const message = rest.subarray(0, 1 + rest.readUInt32BE(1));
        rest = rest.subarray(message.length);
        messages.push(message);
        const type = String.fromCharCode(message[0] ?? 0);
        if (type === 'C') hasWritten = afterCommand(message.toString('latin1', 5, message.length - 1), hasWritten);
        if (type !== 'Z' && isLoggedIn) continue;
        const isIdle = type === 'Z' && message[5] === IDLE;
        answers.push({ bytes: Buffer.concat(messages), committed: isIdle && hasWritten });
        messages = [];
        if (type === 'Z') isLoggedIn = true;
        if (isIdle) hasWritten = false;
      }
      return answers;
    },
  };
}

/** ReadyForQuery's status outside a transaction. */
const IDLE = 'I'.charCodeAt(0);

/** @param tag of CommandComplete, such as `UPDATE 3`, `INSERT 0 1` or `COMMIT` */
function afterCommand(tag: string, hadWritten: boolean): boolean {
  if (tag === 'ROLLBACK') return false;
  return hadWritten || /^(?:INSERT|UPDATE|DELETE) .*[1-9]/.test(tag);
}
