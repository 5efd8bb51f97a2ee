import { z } from 'zod';

/** What queries and paths may hold; every route's schema is made of these. A form's empty field counts as left out. */
const blankIsNothing = (value: unknown) => (value === '' ? undefined : value);

const wholeNumber = z.coerce.number().int().min(1);
const id = wholeNumber.max(Number.MAX_SAFE_INTEGER);

/** Text that Postgres can compare: without NUL, and not endless. */
const shortText = z.string().regex(/^[^\0]{1,200}$/, 'must have 1 to 200 characters');

export const runParameters = z.strictObject({ id });
export const threadParameters = z.strictObject({ id: shortText });
export const noQuery = z.strictObject({});

const code = z.string().regex(/^[a-z0-9-]{1,64}$/, 'must be an error’s code, like lead-refused');
const endpoint = z.string().regex(/^[a-z-]{1,64}$/, 'must be an endpoint, like leads-lookup');
const outcome = z.enum(['ok', 'refused', 'throttled', 'failed', 'no-answer']);

const paging = {
  before: z.preprocess(blankIsNothing, id.optional()).describe('The id that the entries come before: `next` has it.'),
  limit: z.preprocess(blankIsNothing, wholeNumber.max(200).default(50)).describe('How many entries at the most.'),
};

export const runsQuery = z.strictObject({
  ...paging,
  job: z.preprocess(blankIsNothing, z.enum(['sync', 'digest']).optional()),
});
export const errorsQuery = z.strictObject({
  ...paging,
  code: z.preprocess(blankIsNothing, code.optional()),
  run: z.preprocess(blankIsNothing, id.optional()),
  state: z
    .preprocess(blankIsNothing, z.enum(['new', 'told']).optional())
    .describe('`new`: no digest has carried it yet; `told`: one has.'),
});
export const callsQuery = z.strictObject({
  ...paging,
  run: z.preprocess(blankIsNothing, id.optional()),
  endpoint: z.preprocess(blankIsNothing, endpoint.optional()),
  outcome: z.preprocess(blankIsNothing, outcome.optional()),
});
export const deadQuery = z.strictObject({
  limit: paging.limit,
  code: z.preprocess(blankIsNothing, code.optional()),
  before: z
    .preprocess(
      blankIsNothing,
      z
        .string()
        .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z~[^\0]{1,200}$/, 'must be what `next` of an earlier part held')
        .optional(),
    )
    .describe('Where an earlier part ended: `next` has it.'),
});

/** Which dead threads an action is about: one of the three, so that nobody means all by leaving something out. */
export const whichDead = z.union([
  z.strictObject({ code }),
  z.strictObject({ threadIds: z.array(shortText).min(1).max(1000) }),
  z.strictObject({ all: z.literal(true) }),
]);
export const startedJob = z.strictObject({ job: z.enum(['sync', 'digest']) });

/** The same as forms send it. */
export const deadForm = z.object({
  formKey: z.string().max(200).default(''),
  thread: shortText.optional(),
  code: code.optional(),
  all: z.literal('true').optional(),
});
export const runForm = z.object({
  formKey: z.string().max(200).default(''),
  job: z.enum(['sync', 'digest']),
  /** The form's own number: the same form sent twice asks for the same Job. */
  request: z.string().regex(/^[a-z]{8}$/),
});
export const findForm = z.object({ formKey: z.string().max(200).default(''), text: shortText });
export const findQuery = z.strictObject({ text: z.preprocess(blankIsNothing, shortText.optional()) });
export const loginForm = z.object({ token: z.string().max(1000).default('') });
export const logoutForm = z.object({ formKey: z.string().max(200).default('') });
