import { Writable } from 'node:stream';
import pino from 'pino';
import type { Logger } from '../../services/shared/runtime/log.ts';
import { describeError } from '../../services/shared/runtime/log.ts';

/** A log that keeps its lines. */
export function keptLog(): { log: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()));
      done();
    },
  });
  return { log: pino({ serializers: { err: describeError } }, stream), lines };
}
