import { z } from 'zod';

/** What a contender is asked to do: a fixed number of visitors once, or as much as it can until it is stopped. */
export const scenarioSchema = z.enum(['visitors', 'saturation']);
export type Scenario = z.infer<typeof scenarioSchema>;

export const contenderNameSchema = z.enum([
  'ours',
  'hand-script',
  'node-marketo-rest',
  'p-queue',
  'p-queue-divided',
  'bottleneck',
  'rate-limiter-flexible',
]);
export type ContenderName = z.infer<typeof contenderNameSchema>;

/** One process's part of a measurement, as it is handed over the command line. */
export const jobSchema = z.object({
  contender: contenderNameSchema,
  scenario: scenarioSchema,
  marketo: z.object({ url: z.string(), clientId: z.string(), clientSecret: z.string() }),
  /** An empty database with the product's schema, for those that keep something there. */
  databaseUrl: z.string(),
  /** Which of how many processes this is, from 0. */
  process: z.number(),
  processes: z.number(),
  /** How many visitors there are; saturation has no end. */
  visitors: z.number(),
});
export type Job = z.infer<typeof jobSchema>;

/** What a process tells the bench: that it can begin, and at its end what went wrong how often, and its CPU time. */
export const wordSchema = z.discriminatedUnion('say', [
  z.object({ say: z.literal('ready') }),
  z.object({ say: z.literal('end'), failures: z.record(z.string(), z.number()), cpuMs: z.number() }),
]);
export type Word = z.infer<typeof wordSchema>;

/** What the bench tells a process. */
export const orderSchema = z.enum(['go', 'stop']);
export type Order = z.infer<typeof orderSchema>;

export type Work = {
  job: Job;
  /** The next visitor's address; undefined when there are no more. */
  next(): string | undefined;
  /** Notes that a visitor was given up, and why. */
  failed(error: unknown): void;
  /** Aborted when the time is over. */
  signal: AbortSignal;
};

/**
 * A contender: gets ready (connections, what there is to do) and returns the run itself, which is measured. Each is written
 * as its library's README shows it.
 */
export type Contender = (work: Work) => Promise<() => Promise<void>>;

/** What is known of every visitor: the fields of the product's own rules. */
export const VISITOR = {
  leadSource: 'LiveChat',
  firstName: 'Alex',
  lastName: 'Example',
  phone: '+1 555 0100',
  country: 'Germany',
  state: 'Hesse',
  city: 'Kassel',
} as const;
