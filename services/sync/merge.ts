import { z } from 'zod';
import type { RuleInput } from '../shared/rules/decide.ts';
import type { TakenThread } from '../shared/store/ledger.ts';

/** A visitor as deliver handles them: all taken threads of one address. */
export type Visitor = {
  email: string;
  threads: TakenThread[];
  input: RuleInput;
};

const visit = z.object({
  visitor: z.record(z.string(), z.unknown()),
  thread: z.record(z.string(), z.unknown()),
  chat: z.record(z.string(), z.unknown()),
  form: z.record(z.string(), z.unknown()),
});

/**
 * Groups threads by address, without case: several threads of one person become one visitor. Of what is known of the
 * person, the latest value that is not empty wins; thread and chat are the latest ones.
 *
 * @param threads oldest first.
 */
export function mergeByAddress(threads: readonly TakenThread[]): Visitor[] {
  const visitors = new Map<string, Visitor>();
  for (const thread of threads) {
    const seen = visit.parse(thread.visit);
    const key = thread.email.toLowerCase();
    const earlier = visitors.get(key);
    visitors.set(key, {
      email: thread.email,
      threads: [...(earlier?.threads ?? []), thread],
      input: {
        visitor: latest(earlier?.input.visitor, seen.visitor),
        form: latest(earlier?.input.form, seen.form),
        thread: seen.thread,
        chat: seen.chat,
      },
    });
  }
  return [...visitors.values()];
}

function latest(earlier: object | undefined, later: object): object {
  const merged: Record<string, unknown> = { ...earlier };
  for (const [key, value] of Object.entries(later)) {
    const before = merged[key];
    if (isObject(value) && isObject(before)) merged[key] = latest(before, value);
    else if (!isBlank(value) || before === undefined) merged[key] = value;
  }
  return merged;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isBlank(value: unknown): boolean {
  return value === '' || value === null || value === undefined || (Array.isArray(value) && value.length === 0);
}
